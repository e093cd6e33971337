"""One login on one device. Rotation changes the row; it never adds one."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, LargeBinary, Uuid
from sqlalchemy.dialects.mysql import BINARY
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Moment, Text


class Session(Base):
    """The whole state of a session; nothing in it can be presented as a token.

    Only `user_id` and `organization_id` are indexed beside the key: a rotation changes no indexed column, so
    PostgreSQL can update the row in place.
    """

    __tablename__ = "sessions"
    # Room on each page for the next version of its rows, without which in-place updates run out of it.
    __table_args__ = {"postgresql_with": {"fillfactor": 90}}  # noqa: RUF012 - the declaration is the base's

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    organization_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), index=True
    )

    generation: Mapped[int] = mapped_column(BigInteger, default=1)
    seen_generation: Mapped[int] = mapped_column(BigInteger, default=0)
    floor_generation: Mapped[int] = mapped_column(BigInteger, default=1)
    grace_generation: Mapped[int | None] = mapped_column(BigInteger)
    grace_started_at: Mapped[datetime | None] = mapped_column(Moment)
    given_up_from: Mapped[int | None] = mapped_column(BigInteger)
    given_up_to: Mapped[int | None] = mapped_column(BigInteger)
    salt: Mapped[bytes] = mapped_column(LargeBinary(16).with_variant(BINARY(16), "mysql", "mariadb"))

    created_at: Mapped[datetime] = mapped_column(Moment)
    rotated_at: Mapped[datetime] = mapped_column(Moment)
    last_seen_at: Mapped[datetime] = mapped_column(Moment)
    inactivity_expires_at: Mapped[datetime] = mapped_column(Moment)
    absolute_expires_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    revoked_reason: Mapped[str | None] = mapped_column(Text(32))

    auth_methods: Mapped[list[str]] = mapped_column(JSON, default=list)
    authenticated_at: Mapped[datetime] = mapped_column(Moment)
    mfa_pending: Mapped[bool] = mapped_column(default=False)

    ip_address: Mapped[str | None] = mapped_column(Text(45))
    user_agent: Mapped[str | None] = mapped_column(Text(255))
    device_name: Mapped[str | None] = mapped_column(Text(128))
    contract: Mapped[str] = mapped_column(Text(32))
    client_id: Mapped[str | None] = mapped_column(Text(64))
    transport: Mapped[str] = mapped_column(Text(16))
