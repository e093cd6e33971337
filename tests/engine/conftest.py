"""A service of its own for every test, on databases whose schema is made once."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy

from app.delivery import MemorySender
from app.models import Base
from app.primitives.clock import FrozenClock
from tests.conftest import SettingsFor
from tests.engine.service import Service
from tests.reliability.databases import fresh_database

ServiceFor = Callable[..., Service]


@pytest.fixture(scope="session")
def schema_urls() -> Iterator[Callable[[str], str]]:
    """Give the address of a database of a kind, with the tables in it."""
    made: dict[str, str] = {}
    with ExitStack() as stack:

        def find(kind: str) -> str:
            if kind not in made:
                made[kind] = stack.enter_context(fresh_database(kind))
                engine = sqlalchemy.create_engine(made[kind])
                Base.metadata.create_all(engine)
                engine.dispose()
            return made[kind]

        yield find


@pytest.fixture
def service_for(
    settings_for: SettingsFor,
    schema_urls: Callable[[str], str],
    database_kind: str,
    clock: FrozenClock,
    outbox: MemorySender,
) -> Iterator[ServiceFor]:
    """Make services on one empty database; each call is another process of the deployment."""
    made: list[Service] = []

    def make(**changes: object) -> Service:
        settings = settings_for(**{"database_url": schema_urls(database_kind), **changes})
        service = Service(settings, clock, outbox)
        if not made:
            service.empty()
        made.append(service)
        return service

    yield make
    for service in made:
        service.pool.dispose()


@pytest.fixture
def service(service_for: ServiceFor) -> Service:
    """One process with default settings, and nobody registered."""
    return service_for()
