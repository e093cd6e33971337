"""The audit trail: what happened to whom, from where, and how it ended."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Integer, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Moment, Text


class SecurityEvent(Base):
    """One event. It outlives the person, the session and the organization, so it has no foreign keys."""

    __tablename__ = "security_events"

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    occurred_at: Mapped[datetime] = mapped_column(Moment, index=True)
    kind: Mapped[str] = mapped_column(Text(64))
    actor: Mapped[str] = mapped_column(Text(32))
    user_id: Mapped[int | None] = mapped_column(index=True)
    organization_id: Mapped[UUID | None] = mapped_column(Uuid)
    session_id: Mapped[UUID | None] = mapped_column(Uuid)
    ip_address: Mapped[str | None] = mapped_column(Text(45))
    user_agent: Mapped[str | None] = mapped_column(Text(255))
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
