"""Keyturn: an authentication service whose heart is refresh-token rotation in two token modes."""

import atexit
from datetime import timedelta
from pathlib import Path

from flask import Flask
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
from app.engine.engine import Engine
from app.extensions import db, engine_options, migrate
from app.http.access_tokens import AccessTokens
from app.http.csrf import DoubleSubmit, OriginCheck
from app.http.errors import install_error_handlers
from app.http.headers import install_headers
from app.http.health import health
from app.http.host_views import honour_sessions
from app.http.limits import Limits
from app.http.openapi import describe
from app.http.runtime import Runtime, install
from app.mounting import mount_contracts
from app.primitives.clock import Clock, SystemClock
from app.primitives.keyring import Keyring
from config import DeliverySettings, Settings, settings_from_environment

_DRAIN = timedelta(seconds=10)


def create_app(
    settings: Settings | None = None, *, clock: Clock | None = None, postbox: Postbox | None = None
) -> Flask:
    """Build the application: the auth blueprint of each configured contract, on one engine.

    `settings` come from the environment unless given; `clock` and `postbox` are the machine's and the
    configured sender's unless given.

    Raises:
        ConfigurationError: with every problem there is.
    """
    app = Flask("app", instance_relative_config=True, static_folder=None)
    settings = settings or settings_from_environment(contracts.defaults(), Path(app.instance_path))
    clock = clock or SystemClock()
    keyring = Keyring([settings.keys.secret_key.reveal(), *(key.reveal() for key in settings.keys.fallbacks)])
    _configure(app, settings)
    runtime = Runtime(
        settings=settings,
        engine=_engine(app, settings, keyring, clock, postbox or _postbox(settings.delivery)),
        access_tokens=AccessTokens(app, keyring=keyring, clock=clock, algorithm=settings.keys.jwt_algorithm),
        limits=Limits(app, settings.rate_limits),
        origins=OriginCheck(settings.web.allowed_origins),
        double_submit=DoubleSubmit(keyring),
        mounts=mount_contracts(app, settings, contracts.discover(), keyring),
    )
    install(app, runtime)
    honour_sessions(runtime)
    install_error_handlers(app)
    install_headers(app, settings.web)
    app.register_blueprint(health)
    app.register_blueprint(describe)
    register_commands(app)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings.database.url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database),
        MAX_CONTENT_LENGTH=settings.web.max_body_bytes,
    )
    if settings.web.trusted_proxies:
        hops = settings.web.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]


def _engine(app: Flask, settings: Settings, keyring: Keyring, clock: Clock, postbox: Postbox) -> Engine:
    Path(app.instance_path).mkdir(parents=True, exist_ok=True)
    db.init_app(app)
    migrate.init_app(app)
    with app.app_context():
        return Engine(settings, db.engine, keyring=keyring, clock=clock, postbox=postbox)


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
