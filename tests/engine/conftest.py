"""A service of its own for every test."""

from collections.abc import Callable, Iterator

import pytest

from app.delivery import MemorySender
from app.primitives.clock import FrozenClock
from tests.conftest import SettingsFor
from tests.engine.service import Service

ServiceFor = Callable[..., Service]


@pytest.fixture
def service_for(
    empty_database: None, settings_for: SettingsFor, clock: FrozenClock, outbox: MemorySender
) -> Iterator[ServiceFor]:
    """Make services on one empty database; each call is another process of the deployment."""
    made: list[Service] = []

    def make(**changes: object) -> Service:
        service = Service(settings_for(**changes), clock, outbox)
        made.append(service)
        return service

    yield make
    for service in made:
        service.pool.dispose()


@pytest.fixture
def service(service_for: ServiceFor) -> Service:
    """One process with default settings, and nobody registered."""
    return service_for()
