"""Whether a person has signed in with a device before, as far as its user agent tells."""

import re

from sqlalchemy import select
from sqlalchemy.orm import Session as Transaction

from app.engine.client import Client
from app.engine.events import EventKind
from app.engine.session_store import readable
from app.models import SecurityEvent, Session, User

# A browser that was updated is no new device.
_VERSION = re.compile(r"[\d._]+")


def is_to_be_told(transaction: Transaction, person: User, client: Client) -> bool:
    """Tell whether a person signs in from a device for the first time and has a proven address.

    The very first login of an account is none from a new device. An address that is not proven may be a
    stranger's, whom whoever made the account could have mailed by logging in.
    """
    if person.email is None or person.email_verified_at is None:
        return False
    agents = select(Session.user_agent).where(Session.user_id == person.id).distinct()
    known = set(readable(transaction, agents, lambda row: _kind(row[0])))
    return _kind(client.user_agent) not in known and (bool(known) or _has_logged_in(transaction, person.id))


def _kind(user_agent: str | None) -> str:
    return _VERSION.sub("", user_agent or "")


def _has_logged_in(transaction: Transaction, user_id: int) -> bool:
    """Sessions are swept long before events are."""
    logins = select(SecurityEvent.id).where(
        SecurityEvent.user_id == user_id, SecurityEvent.kind == EventKind.LOGIN_SUCCEEDED
    )
    return transaction.scalar(logins.limit(1)) is not None
