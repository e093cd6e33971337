"""Short recovery codes are hashed like passwords: few at once, for right codes only, and counted before."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pyotp
import pytest
from sqlalchemy import func, select

from app.engine.errors import (
    AccountLocked,
    AuthError,
    InvalidSecondFactor,
    ReauthenticationRequired,
    Unavailable,
)
from app.engine.grant import Grant
from app.engine.mfa import Holder, RecoveryForm, recovery_codes
from app.models import LoginThrottle, RecoveryCode
from tests.engine.conftest import ServiceFor
from tests.engine.service import FIREFOX, Service


class Hashes:
    """How many hashes were computed, and how many at the same time."""

    def __init__(self) -> None:
        self.count = self.now = self.most = 0
        self._lock = threading.Lock()
        self._compute = recovery_codes.hash_secret_raw

    def __call__(self, *arguments: Any, **options: Any) -> bytes:
        with self._lock:
            self.count, self.now = self.count + 1, self.now + 1
            self.most = max(self.most, self.now)
        try:
            return self._compute(*arguments, **options)
        finally:
            with self._lock:
                self.now -= 1


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> Hashes:
    counted = Hashes()
    monkeypatch.setattr(recovery_codes, "hash_secret_raw", counted)
    return counted


@pytest.fixture
def service(service_for: ServiceFor) -> Service:
    service = service_for(password_hash_concurrency=1)
    service.person()
    return service


@pytest.fixture
def grant(service: Service) -> Grant:
    return service.log_in()


def begin(service: Service, grant: Grant) -> str:
    return service.engine.factor_changes.begin_totp(grant.snapshot, name=None, only_first=True).secret


def confirm(service: Service, grant: Grant, secret: str, code: str) -> list[str]:
    return service.engine.factor_changes.confirm_totp(
        grant.snapshot, secret, code, FIREFOX, with_codes=RecoveryForm.SHORT
    )


def enrolled(service: Service, grant: Grant) -> list[str]:
    """Set an app up and return its recovery codes."""
    secret = begin(service, grant)
    return confirm(service, grant, secret, pyotp.TOTP(secret).at(service.clock.now()))


def prove(service: Service, grant: Grant, code: str) -> str:
    holder = Holder(service.use(grant).person, "a session")
    return service.engine.second_factors.prove(holder, None, code, lambda *_: "proven", FIREFOX)


def rows(service: Service, model: type[Any]) -> int:
    return service.engine.database.transact(
        lambda transaction: transaction.scalar(select(func.count()).select_from(model)) or 0
    )


@contextmanager
def all_places_taken(service: Service) -> Iterator[None]:
    passwords = service.credentials._passwords  # noqa: SLF001 - a flood of logins holds them
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(passwords.admission())
        yield


def test_wrong_codes_of_a_new_app_hash_nothing(service: Service, grant: Grant, hashes: Hashes):
    secret = begin(service, grant)
    right = pyotp.TOTP(secret).at(service.clock.now())
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"

    for _ in range(10):
        with pytest.raises(InvalidSecondFactor):
            confirm(service, grant, secret, wrong)
    with pytest.raises(AccountLocked):
        confirm(service, grant, secret, right)

    assert hashes.count == 0
    assert service.event_kinds().count("account:mfa:refused") == 10
    assert rows(service, RecoveryCode) == 0


def test_right_code_of_a_new_app_makes_codes_that_work(service: Service, grant: Grant, hashes: Hashes):
    codes = enrolled(service, grant)

    assert (len(codes), hashes.count) == (8, 8)
    assert prove(service, grant, codes[0]) == "proven"
    assert hashes.count == 9


def test_codes_are_not_hashed_for_whoever_may_not_renew_them(service: Service, grant: Grant, hashes: Hashes):
    enrolled(service, grant)
    # Read from before the app was set up: proven by the password alone.
    old = grant.snapshot._replace(person=service.use(grant).person)

    with pytest.raises(ReauthenticationRequired):
        service.engine.factor_changes.renew_recovery_codes(old, RecoveryForm.SHORT, FIREFOX)

    assert (hashes.count, rows(service, RecoveryCode)) == (8, 8)


def test_recovery_codes_wait_their_turn_to_be_hashed(service: Service, grant: Grant, hashes: Hashes):
    codes = enrolled(service, grant)

    def outcome(_: int) -> str:
        try:
            return prove(service, grant, codes[0])
        except AuthError as error:
            return error.code

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(outcome, range(8)))

    assert hashes.most == 1
    assert outcomes.count("proven") == 1
    assert set(outcomes) <= {"proven", "recovery_code_invalid", "temporarily_unavailable"}
    assert hashes.count == 8 + 8 - outcomes.count("temporarily_unavailable")


def test_during_a_flood_recovery_codes_are_sent_away_and_not_counted(service: Service, grant: Grant):
    codes = enrolled(service, grant)
    events, counted = service.event_kinds(), rows(service, LoginThrottle)

    with all_places_taken(service), pytest.raises(Unavailable):
        prove(service, grant, codes[0])

    assert (service.event_kinds(), rows(service, LoginThrottle)) == (events, counted)
    assert prove(service, grant, codes[0]) == "proven"


def test_during_a_flood_a_new_app_is_not_counted_and_long_codes_go_on(service: Service, grant: Grant):
    secret = begin(service, grant)
    code = pyotp.TOTP(secret).at(service.clock.now())
    counted = rows(service, LoginThrottle)

    with all_places_taken(service):
        with pytest.raises(Unavailable):
            confirm(service, grant, secret, code)
        assert rows(service, LoginThrottle) == counted
        assert service.engine.factor_changes.confirm_totp(grant.snapshot, secret, code, FIREFOX) == []
        renewed = service.engine.factor_changes.renew_recovery_codes(
            service.use(grant), RecoveryForm.LONG, FIREFOX
        )
        assert prove(service, grant, renewed[0]) == "proven"
