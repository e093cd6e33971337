"""Failed logins are counted before the password is looked at, whether or not the account exists."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from app.engine.client import Client
from app.engine.errors import AccountLocked, AuthError, InvalidCredentials
from app.engine.grant import Grant
from app.primitives.clock import FrozenClock
from tests.conftest import on_every_database
from tests.engine.conftest import ServiceFor
from tests.engine.service import ADA, CURL, FIREFOX, PASSWORD, TICK, Service

LIMIT, LOCK = 10, timedelta(seconds=900)
NOBODY, GRACE = "nobody@example.test", "grace@example.test"


@pytest.fixture
def service(service: Service) -> Service:
    service.person()
    service.person(GRACE)
    return service


def answer(
    service: Service, email: str = ADA, password: str = "a wrong password", client: Client = FIREFOX
) -> type[object]:
    """Log in and return what came of it."""
    try:
        return type(service.log_in(email, password, client))
    except AuthError as error:
        return type(error)


@on_every_database
@pytest.mark.parametrize("email", [ADA, NOBODY], ids=["known", "unknown"])
def test_after_ten_failed_attempts_even_the_right_password_must_wait(
    service: Service, clock: FrozenClock, email: str
):
    answers = {issubclass(answer(service, email), InvalidCredentials) for _ in range(LIMIT)}

    assert answers == {True}
    with pytest.raises(AccountLocked) as locked:
        service.log_in(email, PASSWORD)
    assert locked.value.retry_after == LOCK
    assert service.event_kinds()[-1] == "session:login:locked"
    clock.advance(LOCK - TICK)
    assert answer(service, email, PASSWORD) is AccountLocked
    clock.advance(TICK)
    assert answer(service, email, PASSWORD) is not AccountLocked


def test_attempts_while_locked_do_not_prolong_the_lock(service: Service, clock: FrozenClock):
    for _ in range(LIMIT):
        answer(service)
    clock.advance(LOCK - TICK)
    answer(service)
    clock.advance(TICK)

    assert service.log_in()


def test_a_success_forgives_this_identifier_and_no_other(service: Service):
    for _ in range(LIMIT - 1):
        answer(service)
        answer(service, GRACE)

    service.log_in()

    assert issubclass(answer(service, GRACE), InvalidCredentials)
    assert answer(service, GRACE, PASSWORD) is AccountLocked
    for _ in range(LIMIT):
        assert issubclass(answer(service), InvalidCredentials)
    assert answer(service) is AccountLocked


def test_locking_one_address_keeps_nobody_out_from_another(service: Service):
    for _ in range(LIMIT):
        answer(service)

    assert answer(service, password=PASSWORD) is AccountLocked
    assert service.log_in(client=CURL)


def test_ipv6_addresses_of_one_customer_count_as_one_however_they_are_spelt(service: Service):
    spellings = ("2001:db8:1:2::{}", "2001:DB8:0001:2:0::{}", "2001:db8:1:2:ffff:a:b:{}")
    for number in range(LIMIT):
        address = spellings[number % len(spellings)].format(number)
        service.fail_to_log_in(client=Client(ip_address=address, user_agent="curl"))

    for address, is_locked in {"2001:db8:1:2::99": True, "2001:db8:1:3::1": False}.items():
        elsewhere = Client(ip_address=address, user_agent="curl")
        found = AccountLocked if is_locked else Grant
        assert answer(service, password=PASSWORD, client=elsewhere) is found
    assert service.event_kinds().count("session:login:locked") == 1


def test_success_forgives_the_network_that_was_counted(service: Service):
    for number in range(LIMIT - 1):
        service.fail_to_log_in(client=Client(ip_address=f"2001:db8:1:2::{number}", user_agent="curl"))
    here = Client(ip_address="2001:db8:1:2::99", user_agent="curl")

    service.log_in(client=here)

    for _ in range(LIMIT):
        assert issubclass(answer(service, client=here), InvalidCredentials)


def test_callers_without_an_address_are_counted_beside_the_account(service: Service):
    nowhere = Client(ip_address=None, user_agent="curl")
    for _ in range(LIMIT):
        assert issubclass(answer(service, client=nowhere), InvalidCredentials)

    assert answer(service, client=nowhere) is AccountLocked
    assert service.log_in(client=CURL)


def test_an_account_is_locked_for_all_addresses_after_a_hundred_attempts(service: Service):
    for number in range(100):
        service.fail_to_log_in(client=Client(ip_address=f"203.0.113.{number}", user_agent="curl"))

    with pytest.raises(AccountLocked):
        service.log_in(client=CURL)


@on_every_database
@pytest.mark.parametrize("email", [ADA, NOBODY], ids=["known", "unknown"])
def test_of_fifty_guesses_at_once_no_more_than_the_limit_are_looked_at(service: Service, email: str):
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: answer(service, email), range(50)))

    looked_at = [found for found in answers if issubclass(found, InvalidCredentials)]
    assert len(looked_at) == LIMIT
    assert answers.count(AccountLocked) == 50 - LIMIT


def test_two_processes_share_the_count(service: Service, service_for: ServiceFor):
    another = service_for()
    for _ in range(LIMIT // 2):
        answer(service)
        answer(another)

    assert answer(service) is AccountLocked
    assert answer(another) is AccountLocked


def test_wrong_current_passwords_are_counted_too(service: Service):
    person = service.log_in().person
    for _ in range(LIMIT):
        with pytest.raises(AuthError, match="password"):
            service.credentials.change_password(
                person.id, "wrong", "a new password 8", FIREFOX, service.engine.login_rule
            )

    with pytest.raises(AccountLocked):
        service.credentials.change_password(
            person.id, PASSWORD, "a new password 8", FIREFOX, service.engine.login_rule
        )
