"""Organizations and who belongs to them."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Moment, Text


class OrganizationStatus(StrEnum):
    """Whether the members of an organization may work in it."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class Organization(Base):
    """A tenant: the people of one customer."""

    __tablename__ = "organizations"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    slug: Mapped[str] = mapped_column(Text(128), unique=True)
    name: Mapped[str] = mapped_column(Text(255))
    tier: Mapped[str] = mapped_column(Text(32), default="FREE")
    status: Mapped[str] = mapped_column(Text(16), default=OrganizationStatus.ACTIVE)
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)


class Membership(Base):
    """One person's place in one organization."""

    __tablename__ = "memberships"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[str] = mapped_column(Text(64), default="MEMBER")
    is_admin: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Moment)
