"""Looks past the service: the rows and events that a behaviour leaves behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import jwt
from flask import Flask
from sqlalchemy import select, text, update

from app.extensions import db
from app.models import SecurityEvent, Session, User


def claims_of(token: str | None) -> dict[str, Any]:
    """Decode a JWT without verifying it."""
    assert token is not None
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def session_row(app: Flask, token: str | None) -> Session:
    """Return the row of the session that a token names."""
    with app.app_context():
        row = db.session.get(Session, UUID(claims_of(token)["sid"]))
        assert row is not None
        db.session.expunge(row)
        return row


def event_kinds(app: Flask) -> list[str]:
    """Return the kinds of all events, the oldest first."""
    with app.app_context():
        return list(db.session.scalars(select(SecurityEvent.kind).order_by(SecurityEvent.id)))


def events(app: Flask, kind: str) -> list[SecurityEvent]:
    """Return all events of a kind, the oldest first."""
    with app.app_context():
        rows = list(
            db.session.scalars(
                select(SecurityEvent).where(SecurityEvent.kind == kind).order_by(SecurityEvent.id)
            )
        )
        db.session.expunge_all()
        return rows


def change_user(app: Flask, **values: object) -> None:
    """Write to the only user past the service."""
    with app.app_context():
        db.session.execute(update(User).values(**values))
        db.session.commit()


@contextmanager
def database_without_sessions(app: Flask) -> Iterator[None]:
    """Take the table of sessions away, as an outage does."""
    _rename(app, "sessions", "elsewhere")
    try:
        yield
    finally:
        _rename(app, "elsewhere", "sessions")


def _rename(app: Flask, table: str, name: str) -> None:
    with app.app_context():
        db.session.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))
        db.session.commit()


def all_sessions(app: Flask) -> list[Session]:
    """Return every session row, the oldest first."""
    with app.app_context():
        rows = list(db.session.scalars(select(Session).order_by(Session.created_at, Session.id)))
        db.session.expunge_all()
        return rows
