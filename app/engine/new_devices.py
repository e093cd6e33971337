"""Whether a person has signed in with a device before, as far as its user agent tells."""

import re
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session as Transaction

from app.delivery import Message
from app.engine import notices
from app.engine.client import Client
from app.engine.events import EventKind
from app.engine.session_store import readable
from app.models import SecurityEvent, Session, User

# A browser that was updated is no new device.
_VERSION = re.compile(r"[\d._]+")


def new_device_notice(
    transaction: Transaction, person: User, client: Client, now: datetime
) -> Message | None:
    """Return what to tell a person who signs in from a device for the first time; None where it is known.

    The very first login of an account is none from a new device.
    """
    if person.email is None:
        return None
    agents = select(Session.user_agent).where(Session.user_id == person.id).distinct()
    known = set(readable(transaction, agents, lambda row: _kind(row[0])))
    if _kind(client.user_agent) in known or not (known or _has_logged_in(transaction, person.id)):
        return None
    return notices.new_device(person.email, client, now)


def _kind(user_agent: str | None) -> str:
    return _VERSION.sub("", user_agent or "")


def _has_logged_in(transaction: Transaction, user_id: int) -> bool:
    """Sessions are swept long before events are."""
    logins = select(SecurityEvent.id).where(
        SecurityEvent.user_id == user_id, SecurityEvent.kind == EventKind.LOGIN_SUCCEEDED
    )
    return transaction.scalar(logins.limit(1)) is not None
