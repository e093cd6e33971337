"""Applications that act for people (RFC 6749 section 2)."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Moment, Text


class OAuthClient(Base):
    """One registered application. Public ones, which can keep no secret, have none."""

    __tablename__ = "oauth_clients"

    id: Mapped[str] = mapped_column(Text(64), primary_key=True)
    name: Mapped[str | None] = mapped_column(Text(255))
    hashed_secret: Mapped[str | None] = mapped_column(Text(64))
    created_at: Mapped[datetime] = mapped_column(Moment)
