"""An application on a temporary SQLite database, and its commands."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from app import contracts, create_app
from app.delivery import DirectOutbox
from app.delivery.local import MemorySender
from app.engine.client import Client
from app.engine.engine import Engine
from app.engine.events import EventKind, RecordedEvent
from app.engine.identifiers import Identifier, IdentifierKind
from app.engine.snapshot import PersonRow, SessionRow
from app.extensions import db
from app.http.runtime import Runtime, runtime
from app.models import Base
from app.primitives.clock import FrozenClock
from config import resolve_settings
from tests.applications import leave

PASSWORD = "correct horse battery"
EMAIL = "ada@example.test"


@dataclass(frozen=True)
class Service:
    """One application with everything a test looks into."""

    app: Flask
    runtime: Runtime
    clock: FrozenClock
    sender: MemorySender

    @property
    def engine(self) -> Engine:
        return self.runtime.engine

    def run(self, *arguments: str, exits: int = 0, **options: Any) -> Result:
        result = self.app.test_cli_runner().invoke(args=arguments, **options)
        assert result.exit_code == exits, result.output
        assert "Traceback" not in result.output
        return result

    def run_json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)

    def person(self, email: str = EMAIL) -> PersonRow:
        return self.engine.accounts.find(Identifier.of(IdentifierKind.EMAIL, email))

    def log_in(self, email: str = EMAIL, password: str = PASSWORD, agent: str = "Firefox") -> SessionRow:
        identifier = Identifier.of(IdentifierKind.EMAIL, email)
        client = Client(ip_address="192.0.2.7", user_agent=agent)
        policy = self.runtime.mounts["nest_auth"].policy
        return self.engine.log_in(identifier, password, policy, client).session

    def events(self, kind: EventKind) -> list[RecordedEvent]:
        newest = self.engine.database.transact(
            lambda transaction: self.engine.events.latest(transaction, limit=500)
        )
        return [event for event in newest if event.kind == kind]


Make = Callable[..., Service]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    apps: list[Flask] = []

    def build(*, tables: bool = True, **environ: str) -> Service:
        names = {
            "ENV": "testing",
            "SECRET_KEY": "k7Qm2xVb9LpZr4TnWc6JdHs1YfGu8EaX3oNi5R0q",
            "DATABASE_URL": f"sqlite:///{tmp_path / 'keyturn.sqlite3'}",
            "DATABASE_LOCK_TIMEOUT_SECONDS": "1",
            "PASSWORD_ARGON2_MEMORY_KIB": "1024",
            "PASSWORD_ARGON2_ITERATIONS": "1",
            **environ,
        }
        settings = resolve_settings(
            {f"KEYTURN_{name}": text for name, text in names.items()}, contracts.defaults(), tmp_path
        )
        clock, sender = FrozenClock(datetime(2026, 3, 1, 12, tzinfo=UTC)), MemorySender()
        app = create_app(settings, clock=clock, postbox=DirectOutbox(sender))
        apps.append(app)
        with app.app_context():
            if tables:
                Base.metadata.create_all(db.engine)
            return Service(app, runtime(), clock, sender)

    yield build
    for app in apps:
        leave(app)


@pytest.fixture
def service(make: Make) -> Service:
    return make()


@pytest.fixture
def ada(service: Service) -> Service:
    """The service with one person in it."""
    service.run("users", "create", "--email", EMAIL, "--password", PASSWORD, "--name", "Ada Lovelace")
    return service
