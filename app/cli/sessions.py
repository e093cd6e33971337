"""Sessions, as an administrator sees and ends them."""

from datetime import datetime
from uuid import UUID

import click

from app.cli.output import CommandGroup, email_argument, json_option, show, show_rows
from app.engine.identifiers import Identifier, IdentifierKind
from app.engine.refreshing import EndReason
from app.engine.snapshot import SessionRow
from app.http.runtime import runtime

_COLUMNS = ("id", "device", "address", "created", "last_seen", "expires")


class Moment(click.ParamType[datetime]):
    """A moment in ISO 8601 with its offset, because an operator's zone is not the server's."""

    name = "moment"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read it; raises click.BadParameter."""
        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a moment such as 2026-03-01T12:00:00Z.", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} has no offset: add Z for UTC.", param, ctx)
        return moment


sessions = CommandGroup("sessions", help="List, revoke and count sessions.")


@sessions.command(name="list")
@email_argument
@json_option
def list_sessions(email: str, as_json: bool) -> None:
    """List a person's live sessions, the most recently seen first."""
    live = runtime().engine.sessions.list_live(_person_id(email))
    rows = [_document(session) for session in live]
    show_rows(rows, _COLUMNS, empty=f"{email} has no live session.", as_json=as_json)


@sessions.command()
@click.argument("session_id", type=click.UUID)
@json_option
def revoke(session_id: UUID, as_json: bool) -> None:
    """End one session; one that is already over stays as it is."""
    runtime().engine.sessions.end(session_id, None, reason=EndReason.ADMINISTRATOR)
    show({"id": session_id, "ended": True}, f"Session {session_id} is over.", as_json=as_json)


@sessions.command(name="revoke-all")
@email_argument
@json_option
def revoke_all(email: str, as_json: bool) -> None:
    """End all of a person's sessions, also those of logins under way."""
    ended = runtime().engine.sessions.end_all(_person_id(email), None, reason=EndReason.ADMINISTRATOR)
    show({"ended": ended}, f"Sessions of {email} ended: {ended}.", as_json=as_json)


@sessions.command(name="revoke-before")
@click.argument("moment", type=Moment())
@json_option
def revoke_before(moment: datetime, as_json: bool) -> None:
    """End everybody's sessions opened before MOMENT, e.g. 2026-03-01T12:00:00Z.

    After a restore from a backup: what was ended since the backup lives again.
    """
    ended = runtime().engine.sessions.end_before(moment)
    show({"ended": ended}, f"Sessions ended: {ended}.", as_json=as_json)


@sessions.command()
@json_option
def prune(as_json: bool) -> None:
    """Delete sessions and events past their retention."""
    deleted = runtime().engine.sessions.prune()
    show({"deleted": deleted}, f"Sessions deleted: {deleted}.", as_json=as_json)


@sessions.command()
@json_option
def count(as_json: bool) -> None:
    """Count sessions, ended ones that are not deleted yet included."""
    rows = runtime().engine.sessions.count()
    show({"count": rows}, str(rows), as_json=as_json)


def _person_id(email: str) -> int:
    return runtime().engine.accounts.find(Identifier.of(IdentifierKind.EMAIL, email)).id


def _document(session: SessionRow) -> dict[str, object]:
    """Choose what is shown: the salt never leaves the database."""
    return {
        "id": session.id,
        "device": session.device_name or session.user_agent,
        "address": session.ip_address,
        "created": session.created_at,
        "last_seen": session.last_seen_at,
        "expires": session.expires_at,
        "contract": session.contract,
        "transport": session.transport,
        "generation": session.generation,
    }
