"""Real threads on real databases: one step per race, one answer for all, and nothing after an end."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import pytest

from app.engine.errors import AccountUnavailable, AuthError, InvalidRefreshToken, SessionRevoked
from app.engine.grant import Grant
from app.primitives.clock import FrozenClock
from tests.conftest import on_every_database
from tests.engine.service import FIREFOX, GRACE, PASSWORD, TICK, Service

pytestmark = on_every_database
Result = TypeVar("Result")
NEW_PASSWORD = "a quite different staple 8"
ROUNDS = 10


@pytest.fixture
def service(service: Service) -> Service:
    service.person()
    return service


def at_once(*acts: Callable[[], Result]) -> list[Result]:
    """Run all in threads that start together, and return what each returned."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], Result]) -> Result:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


def test_two_threads_with_one_token_make_one_step_and_get_the_same_successor(service: Service):
    first = service.log_in()
    for generation in range(2, 2 + ROUNDS):
        before = first
        answers = at_once(*[lambda token=before: service.refresh(token)] * 2)

        assert {answer.refresh_token for answer in answers} == {answers[0].refresh_token}
        assert service.row(first).generation == generation
        first = answers[0]
    assert service.row(first).revoked_at is None


def test_fifty_threads_with_one_token_make_one_step_and_get_the_same_successor(service: Service):
    first = service.log_in()

    answers = at_once(*[lambda: service.refresh(first)] * 50)

    assert len({answer.refresh_token for answer in answers}) == 1
    assert service.row(first).generation == 2
    assert service.event_kinds().count("session:refresh:repeated") == 49


def test_a_burst_with_several_generations_of_one_session_converges(service: Service):
    first = service.log_in()
    second = service.refresh(first)

    answers = at_once(*[lambda: service.refresh(first), lambda: service.refresh(second)] * 10)

    assert max(answer.session.generation for answer in answers) == 3
    assert service.row(first).revoked_at is None


def test_of_two_recoveries_at_once_one_steps_over_the_lost_answer(service: Service, clock: FrozenClock):
    first = service.log_in()
    service.refresh(first)
    clock.advance(GRACE + TICK)

    answers = at_once(*[lambda: service.refresh(first)] * 4)

    assert {answer.session.generation for answer in answers} == {3}
    assert service.event_kinds().count("session:refresh:recovered") == 1


def test_a_recovery_that_races_with_a_use_of_the_lost_answer_leaves_no_two_lines(
    service: Service, clock: FrozenClock
):
    for _ in range(ROUNDS):
        first = service.log_in()
        second = service.refresh(first)
        clock.advance(GRACE + TICK)

        def refresh(token: Grant = first) -> None:
            with suppress(AuthError):
                service.refresh(token)

        def use(grant: Grant = second) -> None:
            with suppress(AuthError):
                service.use(grant)

        at_once(refresh, use)
        clock.advance(GRACE + TICK)
        use()
        assert service.row(first).revoked_reason == "reuse"


def end_session(service: Service, grant: Grant) -> None:
    service.sessions.end(grant.session.id, FIREFOX)


def end_all(service: Service, grant: Grant) -> None:
    service.sessions.end_all(grant.person.id, FIREFOX)


def suspend(service: Service, grant: Grant) -> None:
    service.accounts.suspend(grant.person.id)


def change_password(service: Service, grant: Grant) -> None:
    service.credentials.change_password(
        grant.person.id, PASSWORD, NEW_PASSWORD, FIREFOX, service.engine.login_rule
    )


@pytest.mark.parametrize("end", [end_session, end_all, suspend, change_password])
def test_nothing_is_granted_to_a_refresh_that_began_after_an_end_was_answered(
    service: Service, end: Callable[[Service, Grant], None]
):
    first, ended, late = service.log_in(), threading.Event(), []

    def refresh_until_refused() -> None:
        grant = first
        while True:
            began_after = ended.is_set()
            try:
                grant = service.refresh(grant)
            except (InvalidRefreshToken, AccountUnavailable):
                return
            late.extend([grant] if began_after else [])

    def end_it() -> None:
        while service.row(first).generation < 5:
            continue
        end(service, first)
        ended.set()

    at_once(end_it, *[refresh_until_refused] * 4)

    assert late == []
    assert service.row(first).revoked_at is not None
    assert "session:refresh:reused" not in service.event_kinds()


@pytest.mark.parametrize("end", [suspend, change_password])
def test_no_login_with_the_old_password_slips_past_an_end(
    service: Service, end: Callable[[Service, Grant], None]
):
    first = service.log_in()
    opened: list[Grant] = []

    def log_in() -> None:
        with suppress(AuthError):
            opened.append(service.log_in())

    at_once(lambda: end(service, first), *[log_in] * 6)

    assert service.sessions.list_live(first.person.id) == []
    for grant in opened:
        with pytest.raises((SessionRevoked, AccountUnavailable)):
            service.refresh(grant)


def test_parallel_logins_keep_to_the_number_of_sessions(service: Service):
    service.change_policy(max_sessions_per_person=3)

    grants = at_once(*[service.log_in] * 8)

    assert len(service.sessions.list_live(grants[0].person.id)) == 3
