"""How commands answer: a sentence or a table for people, JSON for programs, and an exit code for both."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import click
from flask.cli import AppGroup

from app.engine.errors import AuthError, InvalidRequest, Unavailable

REFUSED = 1
UNAVAILABLE = 3
_MOST_ROWS = 10_000
_LARGEST_ID = 2**31 - 1

json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
email_argument = click.argument("email")
limit_option = click.option("--limit", type=click.IntRange(1, _MOST_ROWS), default=100, show_default=True)
after_option = click.option(
    "--after", type=click.IntRange(0, _LARGEST_ID), default=0, metavar="ID", help="Go on behind this id."
)


class Refused(click.ClickException):
    """The engine refused: a sentence on standard error."""

    exit_code = REFUSED


class OutOfOrder(click.ClickException):
    """Nothing can be done now: a sentence on standard error."""

    exit_code = UNAVAILABLE


class CommandGroup(AppGroup):
    """Commands whose refusals by the engine end in a sentence, never in a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Unavailable as error:
            hint = "`flask --app wsgi check` looks for the cause."
            raise OutOfOrder(printable(f"{error.message} ({error.detail}) {hint}")) from error
        except InvalidRequest as error:
            raise Refused(printable("; ".join(error.problems.values()))) from error
        except AuthError as error:
            raise Refused(printable(str(error))) from error
        except UnicodeEncodeError as error:
            raise click.UsageError("an argument is not valid UTF-8", ctx) from error


def show(document: Mapping[str, object], sentence: str | None = None, *, as_json: bool) -> None:
    """Print one thing: as JSON, as the sentence, or without one as a line for each field."""
    if as_json:
        click.echo(json_text(document))
    elif sentence is not None:
        click.echo(printable(sentence))
    else:
        width = max(map(len, document))
        for name, value in document.items():
            click.echo(f"{name:<{width}}  {cell(value)}")


def show_rows(
    rows: Sequence[Mapping[str, object]], columns: Sequence[str], *, empty: str, as_json: bool
) -> None:
    """Print many things: all of each as JSON, or the chosen columns as a table."""
    if as_json:
        click.echo(json_text(rows))
    elif not rows:
        click.echo(printable(empty))
    else:
        click.echo("\n".join(_table(rows, columns)))


def show_more(ids: Sequence[int], limit: int) -> None:
    """Say how to go on where a list may have been cut off."""
    if len(ids) == limit:
        click.echo(f"There may be more: --after {ids[-1]}", err=True)


def json_text(value: object) -> str:
    """Return JSON on one line; moments are ISO 8601 in UTC."""
    return json.dumps(value, default=_plain)


def cell(value: object) -> str:
    """Return a value as people read it."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}Z"
    if isinstance(value, bool | dict | list):
        return json_text(value)
    return printable(str(value))


def printable(text: str) -> str:
    """Escape what steers a terminal or fakes a line: names and devices are what strangers said they are."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _table(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> Iterator[str]:
    heads = [name.upper().replace("_", " ") for name in columns]
    lines = [heads, *([cell(row[name]) for name in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        yield "  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)).rstrip()
