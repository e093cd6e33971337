"""An application for every behaviour: real databases, a frozen clock, a memory outbox."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from app import contracts, create_app
from app.delivery import DirectOutbox, MemorySender
from app.engine.engine import Engine
from app.http.runtime import Runtime
from app.primitives.clock import FrozenClock
from config import Settings, resolve_settings
from tests.applications import Applications, Lent, leave
from tests.clients import AuthClient
from tests.reliability.databases import connected, empty, fresh_database

DATABASES = ("sqlite", "postgresql", "mariadb")
SECRET = "Zk3-tests-only-9f8Qm2LrVb6Xw1Ns7Yp4Tc0HdJ"
START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

# A machine that is slow for a moment is no finding, and a finding of everyday is the same in every run; each
# run of `make faults` looks somewhere else. A fixture that is shared by all examples is one that may be.
hypothesis_settings.register_profile(
    "keyturn",
    deadline=None,
    derandomize=not os.environ.get("KEYTURN_TEST_FAULTS"),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
hypothesis_settings.load_profile("keyturn")

Databases = Callable[[str], sqlalchemy.Engine]
SettingsFor = Callable[..., Settings]
AppFor = Callable[..., Flask]


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """Give connections to one database of a kind, made with its tables when it is first asked for."""
    made: dict[str, sqlalchemy.Engine] = {}
    with ExitStack() as stack:

        def find(kind: str) -> sqlalchemy.Engine:
            if kind not in made:
                made[kind] = stack.enter_context(connected(stack.enter_context(fresh_database(kind))))
            return made[kind]

        yield find


@pytest.fixture(params=os.environ.get("KEYTURN_TEST_DATABASES", "sqlite").split(","))
def database_kind(request: pytest.FixtureRequest) -> str:
    """SQLite, unless a test asks for others with `@on_every_database`, or the environment for a whole run."""
    kind: str = request.param
    return kind


on_every_database = pytest.mark.parametrize("database_kind", DATABASES, indirect=True)


@pytest.fixture(scope="session")
def applications() -> Applications:
    """Those that tests leave to each other."""
    return Applications(FrozenClock(START), MemorySender())


@pytest.fixture
def clock(applications: Applications) -> FrozenClock:
    """A clock that stands still until a test moves it."""
    applications.clock.advance(START - applications.clock.now())
    return applications.clock


@pytest.fixture
def outbox(applications: Applications) -> MemorySender:
    """What was sent."""
    applications.outbox.messages.clear()
    return applications.outbox


@pytest.fixture
def settings_for(database_kind: str, databases: Databases, tmp_path: Path) -> SettingsFor:
    """Make settings; keyword arguments are setting names without their prefix, in any case."""

    def make(**changes: object) -> Settings:
        environ = {
            "KEYTURN_ENV": "testing",
            "KEYTURN_SECRET_KEY": SECRET,
            "KEYTURN_DATABASE_URL": databases(database_kind).url.render_as_string(hide_password=False),
            "KEYTURN_PUBLIC_URL": "https://keyturn.example",
            "KEYTURN_PASSWORD_ARGON2_MEMORY_KIB": "8",
            "KEYTURN_PASSWORD_ARGON2_ITERATIONS": "1",
            "KEYTURN_PASSWORD_HASH_CONCURRENCY": "32",
            **{f"KEYTURN_RATE_LIMIT_{name}": "off" for name in ("LOGIN", "SIGNUP", "REFRESH", "PASSWORD")},
            **{f"KEYTURN_{name.upper()}": str(value) for name, value in changes.items()},
        }
        return resolve_settings(environ, contracts.defaults(), tmp_path)

    return make


@pytest.fixture
def empty_database(database_kind: str, databases: Databases) -> None:
    """Delete what earlier tests have left behind; making the tables anew would take longer."""
    empty(databases(database_kind))


@pytest.fixture
def app_for(
    empty_database: None,
    settings_for: SettingsFor,
    applications: Applications,
    clock: FrozenClock,
    outbox: MemorySender,
) -> Iterator[AppFor]:
    """Give applications on one empty database, each like another process of the deployment.

    They may have served other tests before, so they are left as they are: a test that changes views asks for
    `new_app_for`.
    """
    lent: list[Lent] = []

    def make(**changes: object) -> Flask:
        lent.append(applications.lend(settings_for(**changes)))
        return lent[-1].app

    yield make
    for each in lent:
        applications.take_back(each)


@pytest.fixture
def new_app_for(
    empty_database: None, settings_for: SettingsFor, clock: FrozenClock, outbox: MemorySender
) -> Iterator[AppFor]:
    """Make applications as `app_for` does, which belong to the test."""
    made: list[Flask] = []

    def make(**changes: object) -> Flask:
        app = create_app(settings_for(**changes), clock=clock, postbox=DirectOutbox(outbox))
        made.append(app)
        return app

    yield make
    for app in made:
        leave(app)


@pytest.fixture
def app(app_for: AppFor) -> Flask:
    """The application with default settings."""
    return app_for()


def runtime_of(app: Flask) -> Runtime:
    """Return what the application's requests share."""
    runtime: Runtime = app.extensions["keyturn"]
    return runtime


@pytest.fixture
def engine(app: Flask) -> Engine:
    """The rules, without HTTP."""
    return runtime_of(app).engine


@pytest.fixture(params=["header", "cookie"])
def transport(request: pytest.FixtureRequest) -> str:
    """Each way in which tokens travel."""
    name: str = request.param
    return name


@pytest.fixture
def client(app_for: AppFor, transport: str) -> AuthClient:
    """A client of the default contract, by each transport, with nobody signed in."""
    return AuthClient(app_for(access_token_type=transport), transport)
