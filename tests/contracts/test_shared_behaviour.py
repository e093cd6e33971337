"""What refreshing does in every contract, by each transport: rotation, repeats, recovery, reuse, expiry."""

from datetime import timedelta

import jwt
import pytest

from app.primitives.clock import FrozenClock
from tests.clients import Device
from tests.contracts.devices import (
    LENIENT,
    LENIENT_WITHOUT_RECOVERY,
    RECOVERING,
    STRICT,
    Dialect,
    assert_over,
    contract_of,
)
from tests.http.wire import set_cookies, stored_rows
from tests.rows import claims_of, event_kinds, session_row

A_SECOND = timedelta(seconds=1)


def over(dialects: list[Dialect]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("dialect", dialects, ids=str, indirect=True)


def assert_ended_by_reuse(device: Device, access_token: str | None) -> None:
    """Check that the session is over, and that it is written why."""
    row = session_row(device.app, access_token)
    assert (row.revoked_reason, row.revoked_at is None) == ("reuse", False)
    assert event_kinds(device.app)[-1] == "session:refresh:reused"
    device.hold(access_token=access_token)
    assert not device.is_let_in()


def test_refresh_gives_two_new_tokens_and_keeps_the_one_row(device: Device):
    access, refresh = device.current_access_token(), device.current_refresh_token()
    seen = event_kinds(device.app)

    answer = device.refresh()

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert device.current_access_token() not in {None, access, refresh}
    assert device.current_refresh_token() not in {None, access, refresh}
    assert session_row(device.app, device.current_access_token()).generation == 2
    assert claims_of(access)["sid"] == claims_of(device.current_access_token())["sid"]
    assert len(stored_rows(device.app)["sessions"]) == 1
    assert event_kinds(device.app) == seen
    assert device.is_let_in()


@pytest.mark.parametrize("transport", ["header"], indirect=True)
def test_header_mode_sets_no_cookie(device: Device):
    """[seed] Cookies: none (all but nest_auth, whose cookie mode is a setting)"""
    assert set_cookies(device.refresh()) == {}


def test_access_token_is_signed_with_hs256(device: Device):
    """[seed] Signing: HS256, header {"alg":"HS256","typ":"JWT"}"""
    device.refresh()

    header = jwt.get_unverified_header(device.current_access_token() or "")
    assert header == {"alg": "HS256", "typ": "JWT"}


@pytest.mark.parametrize("transport", ["cookie"], indirect=True)
def test_cookie_mode_has_the_tokens_in_cookies_and_nowhere_else(device: Device):
    answer = device.refresh()

    assert {device.access_cookie, device.refresh_cookie} <= set(set_cookies(answer))
    assert not {device.access_field, device.refresh_field} & set(answer.get_json())
    for token in (device.current_access_token(), device.current_refresh_token()):
        assert token is not None
        assert token not in answer.get_data(as_text=True)


@over(LENIENT)
def test_repeat_within_the_grace_period_gets_the_same_successor(device: Device, clock: FrozenClock):
    first, row = device.current_refresh_token(), device.current_access_token()
    device.refresh()
    clock.advance(contract_of(device).defaults.grace)

    answer = device.present(first)

    assert answer.status_code == 200
    assert session_row(device.app, row).generation == 2
    assert event_kinds(device.app)[-1] == "session:refresh:repeated"
    assert device.is_let_in()
    assert device.refresh().status_code == 200
    assert session_row(device.app, row).generation == 3


@over(STRICT)
def test_where_no_grace_is_given_the_second_use_ends_the_session(device: Device, dialect: Dialect):
    first = device.current_refresh_token()
    device.refresh()
    access = device.current_access_token()

    refused = device.present(first)

    assert_over(refused, device, dialect.invalid)
    assert_ended_by_reuse(device, access)
    assert_over(device.refresh(), device, dialect.invalid)


@over(LENIENT)
def test_token_that_comes_back_after_its_successor_was_used_ends_the_session(
    device: Device, dialect: Dialect, clock: FrozenClock
):
    first = device.current_refresh_token()
    for _ in range(2):
        device.refresh()
        clock.advance(dialect.contract.defaults.grace + A_SECOND)
    access = device.current_access_token()

    refused = device.present(first)

    assert_over(refused, device, dialect.invalid)
    assert_ended_by_reuse(device, access)
    assert_over(device.refresh(), device, dialect.invalid)


@over(RECOVERING)
def test_answer_that_was_lost_is_recovered_and_given_up(device: Device, dialect: Dialect, clock: FrozenClock):
    first = device.current_refresh_token()
    device.refresh()
    access, lost = device.current_access_token(), device.current_refresh_token()
    clock.advance(dialect.contract.defaults.grace + A_SECOND)

    recovered = device.present(first)

    assert recovered.status_code == 200
    assert session_row(device.app, access).generation == 3
    assert event_kinds(device.app)[-1] == "session:refresh:recovered"
    assert_over(device.present(lost), device, dialect.invalid)
    assert_ended_by_reuse(device, access)


@over(LENIENT_WITHOUT_RECOVERY)
def test_where_use_cannot_be_seen_a_lost_answer_is_not_recovered(
    device: Device, dialect: Dialect, clock: FrozenClock
):
    first = device.current_refresh_token()
    device.refresh()
    access = device.current_access_token()
    clock.advance(dialect.contract.defaults.grace + A_SECOND)

    assert_over(device.present(first), device, dialect.invalid)
    assert_ended_by_reuse(device, access)


def test_session_without_use_runs_out_and_that_is_no_theft(
    device: Device, dialect: Dialect, clock: FrozenClock
):
    access, seen = device.current_access_token(), event_kinds(device.app)
    clock.advance(dialect.contract.defaults.inactivity_timeout)
    before = stored_rows(device.app)

    refused = device.refresh()

    assert_over(refused, device, dialect.invalid)
    assert session_row(device.app, access).revoked_at is None
    assert stored_rows(device.app) == before
    assert event_kinds(device.app) == seen


def test_use_winds_up_the_inactivity_clock_and_never_the_absolute_one(
    device: Device, dialect: Dialect, clock: FrozenClock
):
    defaults = dialect.contract.defaults
    pause = defaults.inactivity_timeout - A_SECOND
    passed = timedelta(0)
    while passed + pause < defaults.absolute_lifetime:
        clock.advance(pause)
        assert device.refresh().status_code == 200
        passed += pause
    access, seen = device.current_access_token(), event_kinds(device.app)
    clock.advance(defaults.absolute_lifetime - passed)

    assert_over(device.refresh(), device, dialect.invalid)
    assert session_row(device.app, access).revoked_at is None
    assert event_kinds(device.app) == seen
    device.hold(access_token=access)
    assert not device.is_let_in()


def test_access_token_ends_when_the_contract_says_and_the_session_goes_on(
    device: Device, dialect: Dialect, clock: FrozenClock
):
    access = device.current_access_token()
    claims = claims_of(access)
    clock.advance(dialect.contract.defaults.access_lifetime - A_SECOND)
    device.hold(access_token=access)
    assert device.is_let_in()

    clock.advance(A_SECOND)
    device.hold(access_token=access)

    assert claims["exp"] - claims["iat"] == dialect.contract.defaults.access_lifetime.total_seconds()
    assert not device.is_let_in()
    assert device.refresh().status_code == 200
    assert device.is_let_in()
