"""A plain rotation may be answered before it is on disk; nothing else may."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from sqlalchemy import text

from tests.engine.conftest import ServiceFor
from tests.engine.service import Service
from tests.engine.statements import recorded_statements

# What the database calls durable, and how to ask the connection at hand.
DURABILITY = {
    "sqlite": ("PRAGMA synchronous", 2),
    "postgresql": ("SELECT current_setting('synchronous_commit')", "on"),
}
databases = pytest.mark.parametrize("database_kind", list(DURABILITY), indirect=True)


def durability(service: Service) -> Any:
    question = text(DURABILITY[service.pool.dialect.name][0])
    return service.engine.database.transact(lambda transaction: transaction.scalar(question))


@contextmanager
def watched(service: Service) -> Iterator[Callable[[], bool]]:
    """Tell of the last change whether it was to be answered before it was on disk."""
    with recorded_statements(service.pool) as statements:

        def is_asynchronous() -> bool:
            if service.pool.dialect.name == "sqlite":
                with closing(service.pool.raw_connection()) as connection:
                    return connection.cursor().execute("PRAGMA synchronous").fetchone() == (1,)
            changes = [statement for statement in statements if statement.startswith("UPDATE")]
            return "synchronous_commit" in changes[-1]

        yield is_asynchronous


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

    with watched(service) as is_asynchronous:
        successor = service.refresh(grant)
        assert is_asynchronous()
        service.use(successor)
        assert service.row(grant).seen_generation == 2
        assert not is_asynchronous()
        service.refresh(successor)

    assert durability(service) == durable


@databases
@pytest.mark.parametrize("asynchronous", ["true", "false"])
def test_a_rotation_is_the_same_either_way(service_for: ServiceFor, asynchronous: str):
    service = service_for(database_asynchronous_rotation=asynchronous)
    service.person()

    second = service.refresh(service.log_in())

    assert service.refresh(second).session.generation == 3
    assert service.row(second).generation == 3
