"""Organizations, as an administrator handles them."""

from dataclasses import asdict

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
from app.engine.identifiers import Identifier, IdentifierKind
from app.engine.memberships import OPEN_KEY
from app.engine.organizations import Organizations
from app.engine.second_factor_rule import SETTINGS_KEY as MFA_KEY
from app.engine.snapshot import PersonRow
from app.http.runtime import runtime

_COLUMNS = ("id", "slug", "name", "tier", "status", "created_at")
_MEMBER_COLUMNS = ("id", "email", "username", "name", "role", "is_admin", "joined_at")

organizations = CommandGroup(
    "organizations", help="Create and change organizations, and who belongs to them."
)
slug_argument = click.argument("slug")


@organizations.command()
@click.option("--slug", required=True)
@click.option("--name", required=True)
@click.option("--tier", default="FREE", show_default=True)
@json_option
def create(slug: str, name: str, tier: str, as_json: bool) -> None:
    """Create an organization."""
    created = _organizations().create(slug=slug, name=name, tier=tier)
    show(asdict(created), f"Created {slug}: id {created.id}.", as_json=as_json)


@organizations.command()
@slug_argument
@json_option
def suspend(slug: str, as_json: bool) -> None:
    """Keep an organization's members out of it and end its sessions."""
    ended = _organizations().suspend(slug)
    show({"slug": slug, "ended": ended}, f"Suspended {slug}; sessions ended: {ended}.", as_json=as_json)


@organizations.command()
@slug_argument
@json_option
def reinstate(slug: str, as_json: bool) -> None:
    """Open a suspended organization again; ended sessions stay ended."""
    _organizations().reinstate(slug)
    show(asdict(_organizations().find(slug)), f"Reinstated {slug}.", as_json=as_json)


@organizations.command(name="set")
@slug_argument
@click.option("--mfa-required/--no-mfa-required", default=None, help="Ask members for a second factor.")
@click.option("--open-sign-up/--no-open-sign-up", default=None, help="Let whoever signs up become a member.")
@json_option
def set_rules(slug: str, *, mfa_required: bool | None, open_sign_up: bool | None, as_json: bool) -> None:
    """Change what an organization asks of its members, and who may become one."""
    given = {MFA_KEY: mfa_required, OPEN_KEY: open_sign_up}
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        raise click.UsageError("name something to change")
    settings = _organizations().change_settings(_organizations().find(slug).id, changes, None)
    show({"slug": slug, "settings": settings}, f"Changed {', '.join(changes)} of {slug}.", as_json=as_json)


@organizations.command()
@slug_argument
@limit_option
@after_option
@json_option
def members(slug: str, limit: int, after: int, as_json: bool) -> None:
    """List who belongs to an organization."""
    found = _organizations().list_members(slug, limit=limit, after_id=after)
    show_rows([asdict(member) for member in found], _MEMBER_COLUMNS, empty="Nobody.", as_json=as_json)
    show_more([member.id for member in found], limit)


@organizations.command(name="set-member")
@slug_argument
@email_argument
@click.option("--role", help="What the place is called; MEMBER for a new one.")
@click.option("--admin/--no-admin", default=None, help="Let the person decide for the organization.")
@json_option
def set_member(slug: str, email: str, *, role: str | None, admin: bool | None, as_json: bool) -> None:
    """Make a person a member, or change what is named of a member's place.

    What Keyturn decides itself follows at once, what tokens say with the next refresh.
    """
    person = _find(email)
    member = _organizations().add_member(slug, person.id, role=role, is_admin=admin)
    place = f"{member.role}{', administrator' if member.is_admin else ''}"
    show(asdict(member), f"{email} is a member of {slug}: {place}.", as_json=as_json)
    if person.email_verified_at is None:
        # Anybody may have signed up with it, in the hope of being let in.
        click.echo("The address is not proven: make sure whose account this is.", err=True)


@organizations.command(name="remove-member")
@slug_argument
@email_argument
@json_option
def remove_member(slug: str, email: str, as_json: bool) -> None:
    """Take a person out of an organization; their sessions in it end."""
    ended = _organizations().remove_member(slug, _find(email).id)
    sentence = f"{email} is no member of {slug} any more; sessions ended: {ended}."
    show({"slug": slug, "email": email, "ended": ended}, sentence, as_json=as_json)


@organizations.command(name="list")
@json_option
def list_organizations(as_json: bool) -> None:
    """List organizations by slug."""
    rows = [asdict(organization) for organization in _organizations().list_all()]
    show_rows(rows, _COLUMNS, empty="No organizations.", as_json=as_json)


def _organizations() -> Organizations:
    return runtime().engine.organizations


def _find(email: str) -> PersonRow:
    return runtime().engine.accounts.find(Identifier.of(IdentifierKind.EMAIL, email))
