"""People, as an administrator handles them."""

import json
import shlex
from datetime import timedelta
from typing import Any

import click

from app.cli.output import (
    CommandGroup,
    after_option,
    email_argument,
    json_option,
    limit_option,
    show,
    show_more,
    show_rows,
)
from app.engine.accounts import Accounts, Registration
from app.engine.identifiers import Identifier, IdentifierKind
from app.engine.snapshot import PersonRow
from app.http.runtime import runtime

_COLUMNS = ("id", "uuid", "email", "username", "name", "role", "status", "created_at")
_MAIL_PATIENCE = timedelta(seconds=10)

users = CommandGroup("users", help="Create, change, suspend and delete people.")
password_option = click.option(
    "--password",
    prompt=True,
    hide_input=True,
    confirmation_prompt=True,
    help="Asked for when left out, which keeps it out of the shell's history.",
)


class Assignment(click.ParamType[tuple[str, Any]]):
    """`KEY=JSON` as a pair."""

    name = "KEY=JSON"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Any]:
        key, separator, text = value.partition("=")
        if not key or not separator:
            self.fail(f"{value!r} is not of the form KEY=JSON", param, ctx)
        try:
            return key, _stored_form(text)
        except (ValueError, RecursionError):
            quoted = f"{key}={shlex.quote(json.dumps(text))}"
            hint = f"A text keeps its double quotes inside the shell's: {quoted}"
            self.fail(f"{text!r} is not JSON. {hint}", param, ctx)


@users.command()
@click.option("--email", required=True)
@password_option
@click.option("--name")
@click.option("--username")
@click.option("--organization", metavar="SLUG", help="Make the person a member of it.")
@click.option("--role", default="USER", show_default=True, help="The role that contracts present.")
@click.option("--admin", is_flag=True, help="Make the person an administrator of that organization.")
@json_option
def create(
    *,
    email: str,
    password: str,
    name: str | None,
    username: str | None,
    organization: str | None,
    role: str,
    admin: bool,
    as_json: bool,
) -> None:
    """Create a person."""
    engine = runtime().engine
    if admin and organization is None:
        raise click.UsageError("--admin needs --organization")
    registration = Registration(
        email=email,
        password=password,
        name=name,
        username=username,
        role=role,
        organization_slug=organization,
        is_organization_admin=admin,
    )
    person = engine.accounts.register(registration, None)
    place = f" Member of {organization}{', administrator' if admin else ''}." if organization else ""
    document = {**person._asdict(), "organization": organization, "is_admin": admin}
    show(document, f"Created {person.email}: id {person.id}, uuid {person.uuid}.{place}", as_json=as_json)


@users.command(name="set")
@email_argument
@click.argument("assignments", metavar="KEY=JSON...", nargs=-1, required=True, type=Assignment())
@json_option
def set_attributes(email: str, assignments: tuple[tuple[str, Any], ...], as_json: bool) -> None:
    """Change what contracts present of a person.

    email, phone, username, name, role and must_change_password are the account's own; any other key is an
    attribute, and null removes it. Values are JSON: premium_tier='"GOLD"' role_id=2 roles='["A", "B"]'
    A mail to the address so far tells of another address, number or user name.
    """
    accounts = _accounts()
    changed = accounts.change(_find(accounts, email).id, dict(assignments))
    names = ", ".join(dict(assignments))
    show(changed._asdict(), f"Changed {names} of {email}.", as_json=as_json)
    _await_mail()


@users.command(name="list")
@limit_option
@after_option
@json_option
def list_people(limit: int, after: int, as_json: bool) -> None:
    """List people in the order in which they came."""
    rows = [person._asdict() for person in _accounts().list_all(limit=limit, after_id=after)]
    show_rows(rows, _COLUMNS, empty="Nobody.", as_json=as_json)
    show_more([row["id"] for row in rows], limit)


@users.command(name="show")
@email_argument
@json_option
def show_person(email: str, as_json: bool) -> None:
    """Show one person."""
    show(_find(_accounts(), email)._asdict(), as_json=as_json)


@users.command()
@email_argument
@json_option
def suspend(email: str, as_json: bool) -> None:
    """Keep a person out and end every session."""
    accounts = _accounts()
    person = _find(accounts, email)
    accounts.suspend(person.id)
    document = accounts.get(person.id)._asdict()
    show(document, f"Suspended {person.email}; every session has ended.", as_json=as_json)


@users.command()
@email_argument
@json_option
def reinstate(email: str, as_json: bool) -> None:
    """Let a suspended person in again; ended sessions stay ended."""
    accounts = _accounts()
    person = _find(accounts, email)
    accounts.reinstate(person.id)
    show(accounts.get(person.id)._asdict(), f"Reinstated {person.email}.", as_json=as_json)


@users.command()
@email_argument
@json_option
def delete(email: str, as_json: bool) -> None:
    """Remove a person for good, with every session and everything personal."""
    accounts = _accounts()
    person = _find(accounts, email)
    accounts.delete(person.id)
    document = {"id": person.id, "uuid": person.uuid, "deleted": True}
    show(document, f"Deleted {person.email}; every session has ended.", as_json=as_json)


@users.command(name="set-password")
@email_argument
@password_option
@json_option
def set_password(email: str, password: str, as_json: bool) -> None:
    """Replace a password; every session ends, and a mail tells the person."""
    engine = runtime().engine
    person = _find(engine.accounts, email)
    engine.credentials.set_password(person.id, password)
    sentence = f"Set the password of {person.email}; every session has ended."
    show(engine.accounts.get(person.id)._asdict(), sentence, as_json=as_json)
    _await_mail()


@users.command(name="reset-mfa")
@email_argument
@json_option
def reset_mfa(email: str, as_json: bool) -> None:
    """Forget a person's second factors; every session ends, and a mail tells the person."""
    engine = runtime().engine
    person = _find(engine.accounts, email)
    engine.factor_changes.reset(person, None)
    sentence = f"Reset the second factor of {person.email}; every session has ended."
    show(engine.accounts.get(person.id)._asdict(), sentence, as_json=as_json)
    _await_mail()


def _accounts() -> Accounts:
    return runtime().engine.accounts


def _find(accounts: Accounts, email: str) -> PersonRow:
    return accounts.find(Identifier.of(IdentifierKind.EMAIL, email))


def _await_mail() -> None:
    """The outbox sends from a thread that ends with this process."""
    if not runtime().engine.postbox.drain(_MAIL_PATIENCE):
        click.echo("The mail that tells of it could not be sent.", err=True)


def _stored_form(text: str) -> Any:
    """Read JSON; refuse what only Python takes for it: NaN, infinities, halves of characters."""
    value = json.loads(text)
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    return value
