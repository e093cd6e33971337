"""Few passwords are hashed or wait for it at a time; the rest are sent away and lose nothing."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from app.engine.errors import AuthError, Unavailable
from app.engine.passwords import Passwords
from tests.engine.conftest import ServiceFor
from tests.engine.service import ADA, FIREFOX, PASSWORD, Service
from tests.pure.test_password_policy import SETTINGS

CALLERS = 8
# One hash at a time that takes some tens of milliseconds.
SLOW = {
    "password_hash_concurrency": 1,
    "password_argon2_memory_kib": 19456,
    "password_argon2_iterations": 8,
}


@pytest.fixture
def service(service_for: ServiceFor) -> Service:
    service = service_for(**SLOW)
    service.person()
    return service


def at_once(act: Callable[[int], object]) -> Counter[str]:
    """Let several act in the same moment, and count what came of it."""
    together = Barrier(CALLERS)

    def outcome(number: int) -> str:
        together.wait()
        try:
            act(number)
        except AuthError as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(CALLERS) as threads:
        return Counter(threads.map(outcome, range(CALLERS)))


@pytest.mark.parametrize(
    ("email", "code"), [(ADA, "invalid_credentials"), ("nobody@example.test", "unknown_person")]
)
def test_guesses_beyond_the_places_are_sent_away_and_not_counted(service: Service, email: str, code: str):
    before = service.event_kinds()
    answers = at_once(lambda number: service.log_in(email, f"a wrong password {number}"))

    assert set(answers) == {code, "temporarily_unavailable"}
    assert service.event_kinds()[len(before) :] == ["session:login:failed"] * answers[code]


def test_sign_ups_beyond_the_places_are_sent_away_and_make_no_account(service: Service):
    before = len(service.accounts.list_all(limit=100))
    answers = at_once(lambda number: service.person(f"person{number}@example.test"))

    assert set(answers) == {"done", "temporarily_unavailable"}
    assert len(service.accounts.list_all(limit=100)) == before + answers["done"]


def test_current_passwords_beyond_the_places_are_not_looked_at_and_not_counted(service: Service):
    person, rule = service.prove().user_id, service.engine.login_rule
    answers = at_once(
        lambda _: service.credentials.change_password(person, "a wrong password", PASSWORD, FIREFOX, rule)
    )

    assert set(answers) == {"current_password_incorrect", "temporarily_unavailable"}
    assert service.event_kinds().count("account:password:refused") == answers["current_password_incorrect"]


def test_as_many_wait_as_hash_and_the_next_one_is_told_when_to_come_back():
    passwords = Passwords(SETTINGS)
    with passwords.admission(), passwords.admission():
        with pytest.raises(Unavailable) as refused, passwords.admission():
            pytest.fail("admitted")
        assert refused.value.retry_after == timedelta(seconds=2)
    with passwords.admission():
        assert passwords.verify(passwords.hash(PASSWORD), PASSWORD)
