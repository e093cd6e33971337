"""A plain rotation may be answered before it is on disk; nothing else may."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.engine.conftest import ServiceFor
from tests.engine.service import Service

# What the database calls durable, and how to ask the connection at hand.
DURABILITY = {
    "sqlite": ("PRAGMA synchronous", 2),
    "postgresql": ("SELECT current_setting('synchronous_commit')", "on"),
}
databases = pytest.mark.parametrize("database_kind", list(DURABILITY), indirect=True)


def durability(service: Service) -> Any:
    question = text(DURABILITY[service.pool.dialect.name][0])
    return service.engine.database.transact(lambda transaction: transaction.scalar(question))


@databases
def test_only_the_rotation_itself_does_without_waiting_for_the_disk(
    service_for: ServiceFor, database_kind: str
):
    # With one connection, what a rotation leaves behind meets the next transaction.
    service = service_for(database_pool_size=1)
    service.person()
    durable = DURABILITY[database_kind][1]
    grant = service.log_in()
    assert durability(service) == durable

    service.refresh(grant)
    service.use(grant)

    assert durability(service) == durable


@databases
@pytest.mark.parametrize("asynchronous", ["true", "false"])
def test_a_rotation_is_the_same_either_way(service_for: ServiceFor, asynchronous: str):
    service = service_for(database_asynchronous_rotation=asynchronous)
    service.person()

    second = service.refresh(service.log_in())

    assert service.refresh(second).session.generation == 3
    assert service.row(second).generation == 3
