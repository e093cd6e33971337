"""What a refresh and a guarded request cost: counted where the driver is handed the statements."""

import pytest

from app.primitives.clock import FrozenClock
from tests.conftest import on_every_database
from tests.engine.service import GRACE, Service
from tests.engine.statements import recorded_statements

pytestmark = on_every_database


@pytest.fixture
def service(service: Service) -> Service:
    service.person()
    return service


def verbs(statements: list[str]) -> list[str]:
    return [statement.split()[0] for statement in statements]


def test_a_plain_refresh_is_one_select_and_one_update(service: Service):
    grant = service.log_in()

    with recorded_statements(service.pool) as statements:
        service.refresh(grant)

    assert verbs(statements) == ["SELECT", "UPDATE"]


def test_a_repeat_writes_its_event_and_nothing_else(service: Service, clock: FrozenClock):
    grant = service.log_in()
    service.refresh(grant)
    clock.advance(GRACE)

    with recorded_statements(service.pool) as statements:
        service.refresh(grant)

    assert verbs(statements) == ["SELECT", "INSERT"]


def test_a_generation_is_marked_as_seen_once_and_not_again(service: Service):
    grant = service.refresh(service.log_in())

    with recorded_statements(service.pool) as statements:
        for _ in range(3):
            service.use(grant)

    assert verbs(statements) == ["SELECT", "UPDATE", "SELECT", "SELECT"]
    assert service.row(grant).seen_generation == 2


def test_an_older_access_token_marks_nothing(service: Service):
    first = service.log_in()
    service.refresh(first)

    with recorded_statements(service.pool) as statements:
        service.use(first)

    assert verbs(statements) == ["SELECT"]


def test_garbage_costs_no_statement(service: Service):
    with recorded_statements(service.pool) as statements, pytest.raises(Exception, match="malformed"):
        service.refresh("kt1_garbage")

    assert statements == []
