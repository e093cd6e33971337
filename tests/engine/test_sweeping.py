"""Dead rows go in small batches inside normal logins; live ones never."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import insert

from app.engine.grant import Grant
from app.engine.snapshot import SessionRow
from app.models import Session
from app.primitives.clock import FrozenClock
from tests.conftest import on_every_database
from tests.engine.service import ABSOLUTE, FIREFOX, INACTIVITY, TICK, Service

RETENTION = timedelta(days=7)
BATCH = 50


@pytest.fixture
def service(service: Service) -> Service:
    service.person()
    return service


def copies(service: Service, of: Grant, number: int, **changes: object) -> None:
    """Put many rows like one beside it."""
    row = service.row(of)._asdict() | changes
    with service.pool.connect() as connection:
        connection.execute(insert(Session), [row | {"id": uuid4()} for _ in range(number)])
        connection.commit()


def ended(row: SessionRow) -> dict[str, object]:
    return {"revoked_at": row.created_at, "revoked_reason": "logout"}


def test_a_table_of_thousands_of_dead_rows_shrinks_by_logging_in(service: Service, clock: FrozenClock):
    grant = service.log_in()
    copies(service, grant, 3000, **ended(service.row(grant)))
    clock.advance(RETENTION + TICK)

    # One of them may begin to look behind the last row.
    for _ in range(150):
        service.log_in()

    assert service.sessions.count() < 1200


@on_every_database
def test_one_login_deletes_one_small_batch_at_most(service: Service, clock: FrozenClock):
    grant = service.log_in()
    copies(service, grant, 500, **ended(service.row(grant)))
    clock.advance(RETENTION + TICK)

    for _ in range(5):
        before = service.sessions.count()
        service.log_in()
        assert service.sessions.count() >= before + 1 - BATCH

    assert service.sessions.count() < 501


@on_every_database
@pytest.mark.parametrize(
    "dead",
    ["revoked_at", "inactivity_expires_at", "absolute_expires_at"],
)
def test_pruning_removes_what_ended_before_the_retention(service: Service, clock: FrozenClock, dead: str):
    clock.advance(RETENTION + TICK)
    live = service.log_in()
    copies(service, live, 3, **{dead: clock.now() - RETENTION - TICK})
    copies(service, live, 2, **{dead: clock.now() - RETENTION})

    assert service.sessions.prune() == 3

    assert service.sessions.count() == 3
    assert service.refresh(live)


@on_every_database
def test_pruning_goes_through_a_table_of_several_slices(service: Service, clock: FrozenClock):
    live = [service.log_in() for _ in range(3)]
    copies(service, live[0], 1200, **ended(service.row(live[0])))
    clock.advance(RETENTION + TICK)

    assert service.sessions.prune() == 1200
    assert service.sessions.prune() == 0
    assert all(service.refresh(grant) for grant in live)


def test_a_live_session_is_never_swept_however_old_it_is(service: Service, clock: FrozenClock):
    grant = service.log_in()
    while clock.now() + INACTIVITY < service.row(grant).absolute_expires_at:
        clock.advance(INACTIVITY - timedelta(days=1))
        grant = service.refresh(grant)
        service.sessions.prune()
        service.log_in()

    assert service.row(grant).revoked_at is None


def test_old_events_are_pruned_and_newer_ones_kept(service: Service, clock: FrozenClock):
    service.log_in()
    clock.advance(timedelta(days=180) + TICK)
    service.log_in()
    service.sessions.prune()

    assert service.event_kinds() == ["session:login:succeeded"]


def test_an_expired_session_can_still_be_looked_up_within_the_retention(service: Service, clock: FrozenClock):
    grant = service.log_in()
    clock.advance(INACTIVITY + RETENTION)
    service.sessions.prune()
    assert service.row(grant).revoked_at is None

    clock.advance(ABSOLUTE)
    service.sessions.end_all(grant.person.id, FIREFOX)
    assert service.sessions.prune() == 1
