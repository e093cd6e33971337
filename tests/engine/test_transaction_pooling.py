"""Behind a pooler that lends connections for one transaction, nothing may stay on a connection."""

import pytest
from sqlalchemy import text

from tests.engine.conftest import ServiceFor
from tests.engine.service import Service

pytestmark = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
LEFT_BEHIND = text(
    "SELECT (SELECT count(*) FROM pg_prepared_statements), current_setting('lock_timeout'), "
    "current_setting('synchronous_commit')"
)
# More often than the driver runs a statement before it prepares it.
REFRESHES = 8


def left_behind(service: Service) -> tuple[int, str, str]:
    """Refresh often and look at the one connection there is."""
    service.person()
    grant = service.log_in()
    for _ in range(REFRESHES):
        grant = service.refresh(grant)
    return tuple(service.engine.database.transact(lambda transaction: transaction.execute(LEFT_BEHIND).one()))


def test_nothing_is_left_on_a_connection_with_transaction_pooling(service_for: ServiceFor):
    service = service_for(database_transaction_pooling="true", database_pool_size=1)

    assert left_behind(service) == (0, "0", "on")


def test_statements_are_prepared_and_waits_for_locks_limited_without_it(service_for: ServiceFor):
    prepared, *settings = left_behind(service_for(database_pool_size=1))

    assert prepared
    assert settings == ["5s", "on"]
