"""What a person proves a second factor with, and the devices that are trusted to skip it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, Uuid
from sqlalchemy.dialects.mysql import BINARY, VARBINARY
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Moment, Text


class TotpDevice(Base):
    """An authenticator app. It counts once a code has proven it, which is when `confirmed_at` is set.

    `last_step` is the newest time step whose code was accepted; it only rises, so no code is taken twice.
    """

    __tablename__ = "totp_devices"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(Text(128))
    encrypted_secret: Mapped[bytes] = mapped_column(
        LargeBinary(255).with_variant(VARBINARY(255), "mysql", "mariadb")
    )
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(Moment)
    confirmed_at: Mapped[datetime | None] = mapped_column(Moment)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)


class RecoveryCode(Base):
    """One code that is still unused; using it deletes it. The codes of one set share their salt.

    The hash is sealed: it is of few bits, and the salt beside it would let whoever has the table guess.
    """

    __tablename__ = "recovery_codes"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary(16).with_variant(BINARY(16), "mysql", "mariadb"))
    sealed_hash: Mapped[bytes] = mapped_column(
        LargeBinary(255).with_variant(VARBINARY(255), "mysql", "mariadb")
    )
    created_at: Mapped[datetime] = mapped_column(Moment)


class TrustedDevice(Base):
    """A browser or app that skips the person's second factor until it expires or is revoked."""

    __tablename__ = "trusted_devices"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    hashed_token: Mapped[str] = mapped_column(Text(64), unique=True)
    device_name: Mapped[str | None] = mapped_column(Text(128))
    ip_address: Mapped[str | None] = mapped_column(Text(45))
    user_agent: Mapped[str | None] = mapped_column(Text(255))
    created_at: Mapped[datetime] = mapped_column(Moment)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
