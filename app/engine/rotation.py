"""The rotation table: what a presented refresh token means. Pure, and the one place where it is decided."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from app.engine.snapshot import SessionRow, Snapshot
from app.models import OrganizationStatus, PersonStatus


class Outcome(Enum):
    """What becomes of a presented refresh token."""

    ROTATE = auto()
    REPEAT = auto()
    RECOVER = auto()
    AHEAD = auto()
    REUSE = auto()
    INVALID = auto()
    EXPIRED = auto()
    REVOKED = auto()
    PERSON_DELETED = auto()
    PERSON_SUSPENDED = auto()
    ORGANIZATION_SUSPENDED = auto()
    MEMBERSHIP_LOST = auto()


@dataclass(frozen=True, slots=True)
class Windows:
    """How long a superseded token is still met with leniency. Zero closes a window altogether."""

    grace: timedelta
    recovery: timedelta


def decide(snapshot: Snapshot, presented: int, now: datetime, windows: Windows) -> Outcome:
    """Decide what presenting the token of generation `presented` means.

    The token is already known to be genuine. Which of two tokens is older is decided by the counter, never by
    a clock; a negative age (two hosts whose clocks differ) counts as zero.

    Source: RFC 9700 section 4.14.2; docs/refresh-tokens.md gives the reason for each row.
    """
    session = snapshot.session
    over = standing(snapshot, now)
    if over is not None:
        return over
    if presented < session.floor_generation:
        return Outcome.INVALID
    if is_given_up(session, presented):
        return Outcome.REUSE
    if presented > session.generation:
        return Outcome.AHEAD
    if presented == session.generation:
        return Outcome.ROTATE
    if _superseded_within_grace(session, presented, now, windows.grace):
        return Outcome.REPEAT
    if presented == session.seen_generation and _is_within(now, session.rotated_at, windows.recovery):
        return Outcome.RECOVER
    return Outcome.REUSE


def standing(snapshot: Snapshot, now: datetime) -> Outcome | None:
    """Return why nobody may act in this session any more, or None while it lives."""
    session, person, organization = snapshot
    if person.status == PersonStatus.DELETED:
        return Outcome.PERSON_DELETED
    if person.status != PersonStatus.ACTIVE:
        return Outcome.PERSON_SUSPENDED
    if organization is not None and organization.status != OrganizationStatus.ACTIVE:
        return Outcome.ORGANIZATION_SUSPENDED
    if organization is not None and not organization.is_member:
        return Outcome.MEMBERSHIP_LOST
    if session.revoked_at is not None:
        return Outcome.REVOKED
    if now >= session.inactivity_expires_at or now >= session.absolute_expires_at:
        return Outcome.EXPIRED
    return None


def is_given_up(session: SessionRow, generation: int) -> bool:
    """Tell whether the last recovery stepped over this generation."""
    if session.given_up_from is None or session.given_up_to is None:
        return False
    return session.given_up_from <= generation <= session.given_up_to


def swapped(
    session: SessionRow, presented: int, outcome: Outcome, now: datetime, grace: timedelta, **also: Any
) -> SessionRow:
    """Return the row as ROTATE, RECOVER or AHEAD leaves it; only the columns of the table change.

    `also` are columns that the caller changes in the same step: one copy of so long a row is dear enough.
    """
    changes: dict[str, Any] = {
        **also,
        "generation": max(session.generation, presented) + 1,
        "seen_generation": max(session.seen_generation, presented),
        "rotated_at": now,
    }
    window_is_open = session.grace_started_at is not None and _is_within(now, session.grace_started_at, grace)
    if not window_is_open:
        changes |= {"grace_generation": presented, "grace_started_at": now}
    if outcome is Outcome.RECOVER:
        changes |= {"given_up_from": session.seen_generation + 1, "given_up_to": session.generation}
    return session._replace(**changes)


def _superseded_within_grace(session: SessionRow, presented: int, now: datetime, grace: timedelta) -> bool:
    """Tell whether a client that has not heard of the last rotation yet may still repeat this token.

    A burst can rotate twice within a moment while a first call still carries the oldest token; the running
    window remembers where it began, so that call is met too, and no call prolongs it.
    """
    if presented in {session.generation - 1, session.seen_generation} and _is_within(
        now, session.rotated_at, grace
    ):
        return True
    return (
        session.grace_generation is not None
        and session.grace_started_at is not None
        and presented >= session.grace_generation
        and _is_within(now, session.grace_started_at, grace)
    )


def _is_within(now: datetime, since: datetime, window: timedelta) -> bool:
    """Tell whether at most `window` has passed; a closed window holds nothing, not even this instant."""
    return bool(window) and now - since <= window
