"""A code or link that was sent to a person and may be used once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Moment, Text


class OneTimeCode(Base):
    """The one live code of a person for a purpose; a new one takes its place, and using it deletes it."""

    __tablename__ = "one_time_codes"
    __table_args__ = (UniqueConstraint("user_id", "purpose"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(Text(32))
    hashed_code: Mapped[str] = mapped_column(Text(64))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    tries_left: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)
