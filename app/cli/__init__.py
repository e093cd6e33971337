"""The commands under `flask --app wsgi`. Each reads its arguments, asks the engine, says what came of it."""

from flask import Flask

from app.cli.check import check
from app.cli.clients import clients
from app.cli.demo import demo
from app.cli.events import events
from app.cli.keys import keys
from app.cli.organizations import organizations
from app.cli.sessions import sessions
from app.cli.settings import settings
from app.cli.users import users


def register_commands(app: Flask) -> None:
    """Add every command group."""
    for command in (users, organizations, sessions, clients, events, keys, check, settings, demo):
        app.cli.add_command(command)
