"""A person who can log in, and the count of failed attempts to."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Moment, Text


class PersonStatus(StrEnum):
    """Whether a person may use the account. Only ACTIVE opens or keeps a session."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"


class User(Base):
    """One person. Contracts show the UUID or the integer, so both are kept for life.

    `epoch` rises whenever every session of the person is ended. A login that proved itself in an older epoch
    opens nothing, so it cannot slip past a password change or a logout everywhere.
    """

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    uuid: Mapped[UUID] = mapped_column(Uuid, unique=True)
    status: Mapped[str] = mapped_column(Text(16), default=PersonStatus.ACTIVE)
    email: Mapped[str | None] = mapped_column(Text(255), unique=True)
    phone: Mapped[str | None] = mapped_column(Text(32), unique=True)
    username: Mapped[str | None] = mapped_column(Text(64), unique=True)
    name: Mapped[str | None] = mapped_column(Text(255))
    role: Mapped[str] = mapped_column(Text(64), default="USER")
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    hashed_password: Mapped[str | None] = mapped_column(Text(255))
    epoch: Mapped[int] = mapped_column(default=1)
    mfa_enabled: Mapped[bool] = mapped_column(default=False)
    must_change_password: Mapped[bool] = mapped_column(default=False)
    password_changed_at: Mapped[datetime | None] = mapped_column(Moment)
    email_verified_at: Mapped[datetime | None] = mapped_column(Moment)
    phone_verified_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)


class LoginThrottle(Base):
    """Attempts to log in with one identifier, known or not, so that the count tells nobody which exist."""

    __tablename__ = "login_throttles"

    key: Mapped[str] = mapped_column(Text(64), primary_key=True)
    attempts: Mapped[int] = mapped_column(default=0)
    window_ends_at: Mapped[datetime] = mapped_column(Moment)
