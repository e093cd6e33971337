"""Organizations, as an administrator handles them."""

from dataclasses import asdict

import click

from app.cli.output import CommandGroup, json_option, show, show_rows
from app.engine.organizations import Organizations
from app.http.runtime import runtime

_COLUMNS = ("id", "slug", "name", "tier", "status", "created_at")

organizations = CommandGroup("organizations", help="Create, suspend and reinstate organizations.")
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


@organizations.command(name="list")
@json_option
def list_organizations(as_json: bool) -> None:
    """List organizations by slug."""
    rows = [asdict(organization) for organization in _organizations().list_all()]
    show_rows(rows, _COLUMNS, empty="No organizations.", as_json=as_json)


def _organizations() -> Organizations:
    return runtime().engine.organizations
