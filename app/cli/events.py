"""The audit trail, as it is written."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict

import click

from app.cli.output import CommandGroup, cell, json_option, json_text
from app.engine.events import RecordedEvent
from app.http.runtime import runtime

_POLL_SECONDS = 1.0
_WINDOW = 500

events = CommandGroup("events", help="Read the security events.")


@events.command()
@click.option("--follow", is_flag=True, help="Go on with new events until interrupted.")
@click.option("--limit", type=click.IntRange(1, _WINDOW), default=20, show_default=True)
@json_option
def tail(follow: bool, limit: int, as_json: bool) -> None:
    """Print the newest events, the oldest of them first; with --json one JSON document on each line."""
    form = _json_line if as_json else _line
    newest = _latest(_WINDOW if follow else limit)
    _print(newest[-limit:], form)
    if follow:
        with suppress(KeyboardInterrupt):
            _follow({event.id for event in newest}, form)


def _follow(shown: set[int], form: Callable[[RecordedEvent], str]) -> None:
    """Print what is new in a window of the newest events.

    Ids are given out before they are committed, so an event may turn up behind one with a larger id.
    """
    while True:
        time.sleep(_POLL_SECONDS)
        newest = _latest(_WINDOW)
        _print([event for event in newest if event.id not in shown], form)
        shown = {event.id for event in newest}


def _latest(limit: int) -> Sequence[RecordedEvent]:
    engine = runtime().engine
    return engine.database.transact(lambda transaction: engine.events.latest(transaction, limit=limit))


def _print(some: Sequence[RecordedEvent], form: Callable[[RecordedEvent], str]) -> None:
    for event in some:
        click.echo(form(event))


def _json_line(event: RecordedEvent) -> str:
    return json_text(asdict(event))


def _line(event: RecordedEvent) -> str:
    facts = {
        "user": event.user_id,
        "session": event.session_id,
        "address": event.ip_address,
        "agent": event.user_agent,
        **event.details,
    }
    told = "  ".join(f"{name}={cell(value)}" for name, value in facts.items() if value is not None)
    return f"{cell(event.occurred_at)}  {event.kind:<30}  {event.actor:<13}  {told}".rstrip()
