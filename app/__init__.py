"""Keyturn: an authentication service whose heart is refresh-token rotation in two token modes."""

import atexit
from datetime import timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine as SQLAlchemyEngine
from sqlalchemy.engine import make_url
from werkzeug.middleware.proxy_fix import ProxyFix

from app import contracts
from app.cli import register_commands
from app.delivery import (
    Channel,
    DirectOutbox,
    Outbox,
    Postbox,
    Sender,
    SwitchedPostbox,
    mail_sender,
    sms_sender,
)
from app.engine.breached_passwords import BreachedRange
from app.engine.engine import Engine
from app.extensions import db, engine_options, migrate
from app.http.access_tokens import AccessTokens
from app.http.csrf import DoubleSubmit, OriginCheck
from app.http.errors import install_error_handlers, install_refusals
from app.http.headers import install_headers
from app.http.health import health
from app.http.host_views import honour_sessions
from app.http.limits import Limits
from app.http.openapi import describe
from app.http.runtime import Runtime, install
from app.http.signed_in import csrf_token, signed_in, visitor
from app.mounting import mount_contracts, refuse_collisions
from app.pages import pages
from app.pages.client_module import client_module
from app.primitives.clock import Clock, SystemClock
from app.primitives.keyring import Keyring
from config import (
    ConfigurationError,
    DatabaseSettings,
    DeliverySettings,
    Problem,
    Settings,
    settings_from_environment,
)

__all__ = ["create_app", "csrf_token", "mount_on", "signed_in", "visitor"]

_DRAIN = timedelta(seconds=10)


def create_app(
    settings: Settings | None = None,
    *,
    clock: Clock | None = None,
    postbox: Postbox | None = None,
    breached_passwords: BreachedRange | None = None,
) -> Flask:
    """Build the service: the auth blueprint of each configured contract and the pages, on one engine.

    `settings` come from the environment unless given; `clock` and `postbox` are the machine's and the
    configured sender's unless given, and `breached_passwords` is the configured source.

    Raises:
        ConfigurationError: with every problem there is.
    """
    app = Flask("app", instance_relative_config=True, static_folder=None)
    runtime = _mount(app, settings, clock, postbox, breached_passwords)
    install_error_handlers(app)
    install_headers(app, runtime.settings.web)
    app.register_blueprint(health)
    app.register_blueprint(describe)
    return app


def mount_on(
    app: Flask,
    settings: Settings | None = None,
    *,
    clock: Clock | None = None,
    postbox: Postbox | None = None,
    breached_passwords: BreachedRange | None = None,
) -> None:
    """Put Keyturn into somebody else's application; the arguments are those of `create_app`.

    The contracts and pages come under their prefixes, `/keyturn.js` beside them, and the commands to `flask`.
    Error pages and headers of the application's own views stay its own, for which `signed_in`, `visitor` and
    `csrf_token` are there.

    Raises:
        ConfigurationError: with every problem there is; two views that claim one path are one of them.
    """
    runtime = _mount(app, settings, clock, postbox, breached_passwords)
    install_headers(app, runtime.settings.web, of_blueprints=_blueprints(runtime))


def _mount(
    app: Flask,
    settings: Settings | None,
    clock: Clock | None,
    postbox: Postbox | None,
    breached_passwords: BreachedRange | None,
) -> Runtime:
    settings = settings or settings_from_environment(contracts.defaults(), Path(app.instance_path))
    clock = clock or SystemClock()
    keyring = Keyring([settings.keys.secret_key.reveal(), *(key.reveal() for key in settings.keys.fallbacks)])
    _configure(app, settings)
    runtime = Runtime(
        settings=settings,
        engine=Engine(
            settings,
            _database(app, settings.database),
            keyring=keyring,
            clock=clock,
            postbox=postbox or _postbox(settings.delivery),
            breached_passwords=breached_passwords,
        ),
        access_tokens=AccessTokens(app, keyring=keyring, clock=clock, algorithm=settings.keys.jwt_algorithm),
        limits=Limits(app, settings.rate_limits),
        origins=OriginCheck(settings.web.allowed_origins),
        double_submit=DoubleSubmit(keyring),
        mounts=mount_contracts(app, settings, contracts.discover(), keyring),
    )
    install(app, runtime)
    honour_sessions(runtime)
    install_refusals(app)
    if settings.pages is not None and settings.pages.prefix is not None:
        app.register_blueprint(pages, url_prefix=settings.pages.prefix)
    app.register_blueprint(client_module)
    refuse_collisions(app)
    register_commands(app)
    return runtime


def _blueprints(runtime: Runtime) -> frozenset[str]:
    contracts_mounted = (mount.contract.blueprint.name for mount in runtime.mounts.values())
    return frozenset({pages.name, client_module.name, *contracts_mounted})


def _configure(app: Flask, settings: Settings) -> None:
    Path(app.instance_path).mkdir(parents=True, exist_ok=True)
    if settings.web.trusted_proxies:
        hops = settings.web.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]


def _database(app: Flask, settings: DatabaseSettings) -> SQLAlchemyEngine:
    if "sqlalchemy" in app.extensions:
        _refuse_relative_path(settings.url)
        # An application can have one Flask-SQLAlchemy, and a host's own goes with its own `flask db`.
        return create_engine(settings.url, **engine_options(settings))
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings.url, SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings)
    )
    db.init_app(app)
    migrate.init_app(app)
    with app.app_context():
        return db.engine


def _refuse_relative_path(url: str) -> None:
    """Refuse a file of SQLite that the command which makes our tables would look for in another folder.

    Raises:
        ConfigurationError: it is relative.
    """
    location = make_url(url)
    file = (location.database or "").removeprefix("file:")
    if location.get_backend_name() == "sqlite" and not Path(file).is_absolute():
        message = (
            "is relative, and this application has another folder than `flask --app wsgi db upgrade`, which "
            "makes the tables. Write the whole path, as in sqlite:////srv/keyturn.sqlite3."
        )
        raise ConfigurationError((Problem(name="KEYTURN_DATABASE_URL", message=message),))


def _postbox(delivery: DeliverySettings) -> Postbox:
    mail_url, sms_url = delivery.mail_url.reveal(), delivery.sms_url.reveal()
    return SwitchedPostbox(
        {
            Channel.MAIL: _outbox(mail_url, mail_sender(mail_url, delivery.mail_from)),
            Channel.SMS: _outbox(sms_url, sms_sender(sms_url)),
        }
    )


def _outbox(url: str, sender: Sender) -> Postbox:
    """Send in the background where sending can take long."""
    if not url.startswith(("smtp", "http")):
        return DirectOutbox(sender)
    outbox = Outbox(sender)
    # Waiting messages live in memory only: a worker that stops gracefully sends them first.
    atexit.register(outbox.drain, _DRAIN)
    return outbox
