"""`settings`: the reference pages, written from the one table in which settings are declared."""

import click

from app import contracts
from config import render_documentation, render_environment_sample

settings = click.Group("settings", help="What can be set.")


@settings.command()
def reference() -> None:
    """Print docs/configuration.md."""
    click.echo(render_documentation(contracts.defaults()), nl=False)


@settings.command()
def sample() -> None:
    """Print .env.example."""
    click.echo(render_environment_sample(), nl=False)
