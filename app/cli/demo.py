"""The demo account of a development machine, and where to look first. Refuses to run anywhere else."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence

import click
from flask import current_app
from flask.cli import with_appcontext

from app.engine.accounts import Registration
from app.engine.client import Client
from app.engine.engine import Engine
from app.engine.errors import EmailTaken, InvalidCredentials
from app.engine.identifiers import Identifier, IdentifierKind
from app.http.runtime import runtime
from config import Environment, Settings

EMAIL = "ada@example.test"
_PLACES = ("/docs", "/openapi.json", "/healthz", "/auth/client-config")


@click.command()
@click.option(
    "--address", default="http://127.0.0.1:8000", show_default=True, help="Where the service will listen."
)
@with_appcontext
def demo(address: str) -> None:
    """Make the demo account where it is missing and print what to try first."""
    here = runtime()
    if here.settings.environment is not Environment.DEVELOPMENT:
        raise click.ClickException("the demo account is made only where KEYTURN_ENV=development")
    password = _password(here.settings)
    _ensure_account(here.engine, password)
    mount = here.mounts.get("nest_auth")
    prefix = mount.settings.prefix.rstrip("/") if mount else None
    places = [*_PLACES]
    if here.settings.pages is not None and here.settings.pages.prefix is not None:
        places.insert(0, f"{here.settings.pages.prefix}/")
    routes = {rule.rule for rule in current_app.url_map.iter_rules()}
    served = [place for place in places if place in routes]
    click.echo("\n".join(_welcome(address.rstrip("/"), password, served, prefix)))


def _password(settings: Settings) -> str:
    """Return the same password at every start, and one that nobody knows who has not the development key."""
    key = settings.keys.secret_key.reveal().encode()
    return urlsafe_b64encode(hmac.digest(key, b"demo account", hashlib.sha256)).decode()[:24]


def _ensure_account(engine: Engine, password: str) -> None:
    try:
        engine.accounts.register(Registration(email=EMAIL, password=password, name="Ada Lovelace"), None)
    except EmailTaken:
        _ensure_password(engine, password)


def _ensure_password(engine: Engine, password: str) -> None:
    # Asked before it is set, because setting it would end the sessions that a restart should keep.
    identifier = Identifier.of(IdentifierKind.EMAIL, EMAIL)
    try:
        engine.credentials.prove_password(
            identifier, password, Client(ip_address=None, user_agent=None), engine.login_rule
        )
    except InvalidCredentials:
        engine.credentials.set_password(engine.accounts.find(identifier).id, password)


def _welcome(address: str, password: str, places: Sequence[str], prefix: str | None) -> Iterator[str]:
    yield f"\nKeyturn, for development. Account {EMAIL}, password {password}\n"
    yield from (f"  {address}{place}" for place in places)
    if prefix is not None:
        body = json.dumps({"credentials": {"email": EMAIL, "password": password}})
        yield "\nLog in from another terminal:\n"
        yield f"  curl {address}{prefix}/login -H 'Content-Type: application/json' -d '{body}'\n"
