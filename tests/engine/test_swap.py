"""A decision that is carried out too late changes nothing: the swap looks at the row once more."""

from collections.abc import Callable

import pytest

from app.engine.grant import Grant
from app.engine.rotation import Outcome, swapped
from app.engine.session_store import SessionStore
from app.primitives.clock import FrozenClock
from tests.conftest import on_every_database
from tests.engine.service import FIREFOX, GRACE, TICK, Service

pytestmark = on_every_database


def swap_late(
    service: Service, grant: Grant, outcome: Outcome, meanwhile: Callable[[Service, Grant], object]
) -> bool:
    """Decide about the token of generation 1, let something happen, then swap; tell whether it took place."""
    database = service.engine.database
    before = service.row(grant)
    after = swapped(before, 1, outcome, service.clock.now(), GRACE)
    meanwhile(service, grant)
    return database.transact(
        lambda transaction: SessionStore(database).swap_within(transaction, before, after)
    )


@pytest.mark.parametrize(
    ("meanwhile", "expected"),
    [
        (lambda service, grant: service.row(grant), True),
        (lambda service, grant: service.use(grant), True),
        (lambda service, grant: service.refresh(grant), False),
        (lambda service, grant: service.sessions.end(grant.session.id, FIREFOX), False),
        (lambda service, grant: service.sessions.end_all(grant.person.id, FIREFOX), False),
    ],
    ids=["nothing", "use", "rotation", "logout", "logout everywhere"],
)
def test_a_rotation_counts_only_on_a_live_row_of_the_same_generation(
    service: Service, meanwhile: Callable[[Service, Grant], object], *, expected: bool
):
    service.person()
    grant = service.log_in()

    assert swap_late(service, grant, Outcome.ROTATE, meanwhile) is expected


def test_a_recovery_counts_only_while_the_lost_answer_is_unused(service: Service, clock: FrozenClock):
    service.person()
    first = service.log_in()
    second = service.refresh(first)
    clock.advance(GRACE + TICK)

    swapped_late = swap_late(service, first, Outcome.RECOVER, lambda service, _: service.use(second))

    assert not swapped_late
    assert service.row(first).generation == 2
