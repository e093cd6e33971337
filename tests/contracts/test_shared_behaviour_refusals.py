"""What is refused alike in every contract, by each transport: ended sessions, bad input, limits, outages."""

from collections.abc import Callable
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from app.engine.engine import Engine
from app.engine.refreshing import EndReason
from tests.clients import ORIGIN, Device
from tests.conftest import runtime_of
from tests.contracts.devices import (
    SLUG,
    WITH_LOGOUT,
    DeviceFor,
    Dialect,
    assert_for_now,
    assert_in_shape,
    assert_over,
)
from tests.http.wire import stored_rows
from tests.rows import claims_of, database_without_sessions, event_kinds, session_row

JSON = "application/json"


def in_an_organization(device: Device) -> Device:
    """Return a device whose session belongs to an organization, which some contracts begin with."""
    engine = runtime_of(device.app).engine
    if session_row(device.app, device.current_access_token()).organization_id is not None:
        return device
    engine.organizations.create(slug=SLUG, name="Example Works")
    engine.organizations.add_member(SLUG, 1)
    other = device.another_device()
    other.log_in()
    return other


def log_out(device: Device, _engine: Engine) -> None:
    answer = device.log_out()
    assert answer.status_code == 200


def end_from_the_command_line(device: Device, engine: Engine) -> None:
    session_id = UUID(claims_of(device.current_access_token())["sid"])
    engine.sessions.end(session_id, None, reason=EndReason.ADMINISTRATOR)


def suspend(_device: Device, engine: Engine) -> None:
    engine.accounts.suspend(1)


def delete(_device: Device, engine: Engine) -> None:
    engine.accounts.delete(1)


def suspend_organization(_device: Device, engine: Engine) -> None:
    engine.organizations.suspend(SLUG)


def assert_ended(
    device: Device, end: Callable[[Device, Engine], None], status: int, traces: tuple[str, str]
) -> None:
    """End a session that works, and check answer, row, event and what its two tokens are worth."""
    access, refresh = device.current_access_token(), device.current_refresh_token()
    assert device.is_let_in()
    end(device, runtime_of(device.app).engine)
    before, seen = stored_rows(device.app), event_kinds(device.app)
    device.hold(access_token=access, refresh_token=refresh)

    assert not device.is_let_in()
    assert_over(device.refresh(), device, status)

    row = session_row(device.app, access)
    assert (row.revoked_reason, event_kinds(device.app)[-1]) == traces
    assert stored_rows(device.app) == before
    assert event_kinds(device.app) == seen


@pytest.mark.parametrize("dialect", WITH_LOGOUT, ids=str, indirect=True)
def test_logout_ends_both_tokens_at_once(device: Device, dialect: Dialect):
    assert_ended(device, log_out, dialect.invalid, ("logout", "session:self:ended"))


def test_session_that_an_operator_ends_is_over_at_once(device: Device, dialect: Dialect):
    traces = ("administrator", "session:self:ended")
    assert_ended(device, end_from_the_command_line, dialect.invalid, traces)


def test_suspended_person_is_out_at_once(device: Device, dialect: Dialect):
    assert_ended(device, suspend, dialect.suspended, ("suspended", "account:self:suspended"))


def test_reinstated_person_has_to_log_in_again(device: Device, dialect: Dialect):
    accounts = runtime_of(device.app).engine.accounts
    accounts.suspend(1)
    accounts.reinstate(1)

    assert_over(device.refresh(), device, dialect.invalid)


def test_person_who_is_gone_is_out_at_once(device: Device, dialect: Dialect):
    assert_ended(device, delete, dialect.deleted, ("deleted", "account:self:deleted"))


def test_members_of_a_suspended_organization_are_out_at_once(device: Device, dialect: Dialect):
    traces = ("suspended", "organization:self:suspended")
    assert_ended(in_an_organization(device), suspend_organization, dialect.organization_suspended, traces)


def test_too_many_refreshes_are_told_when_to_come_back(device_for: DeviceFor):
    device = device_for(rate_limit_refresh="2 per minute")
    access = device.current_access_token()
    for _ in range(2):
        assert device.refresh().status_code == 200
    seen = event_kinds(device.app)

    refused = device.refresh()

    assert_for_now(refused, device, 429)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert session_row(device.app, access).generation == 3
    assert event_kinds(device.app) == seen
    assert device.is_let_in()


def test_outage_is_no_refusal_of_a_token(device: Device):
    with database_without_sessions(device.app):
        answers = [device.refresh(), device.use()]

    for refused in answers:
        assert_for_now(refused, device, 503)
        assert int(refused.headers["Retry-After"]) >= 1
    assert device.is_let_in()
    assert device.refresh().status_code == 200


def not_json(device: Device) -> TestResponse:
    return device.http.post(device.refresh_path, data=b"{", content_type=JSON, base_url=ORIGIN)


def an_array(device: Device) -> TestResponse:
    return device.http.post(device.refresh_path, data=b"[]", content_type=JSON, base_url=ORIGIN)


def another_type(device: Device) -> TestResponse:
    return device.http.post(device.refresh_path, data=b"<a/>", content_type="text/xml", base_url=ORIGIN)


@pytest.mark.parametrize("send", [not_json, an_array, another_type])
def test_body_of_another_form_is_refused_and_changes_nothing(
    device: Device, send: Callable[[Device], TestResponse]
):
    before, seen = stored_rows(device.app), event_kinds(device.app)

    refused = send(device)

    assert refused.status_code in {400, 415}
    assert_for_now(refused, device, refused.status_code)
    assert stored_rows(device.app) == before
    assert event_kinds(device.app) == seen
    assert device.refresh().status_code == 200


def test_refresh_without_a_token_is_refused_and_changes_nothing(device: Device, dialect: Dialect):
    before, seen = stored_rows(device.app), event_kinds(device.app)

    assert_for_now(device.another_device().exchange(None), device, dialect.missing)

    assert stored_rows(device.app) == before
    assert event_kinds(device.app) == seen


@pytest.mark.parametrize(
    "garbage", ["x", "kt1_", "kt1_" + "A" * 88, "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "5b0d5a3e-6d7f-4a55"]
)
def test_garbage_is_refused_and_changes_nothing(device: Device, dialect: Dialect, garbage: str):
    before, seen = stored_rows(device.app), event_kinds(device.app)

    assert_over(device.present(garbage), device, dialect.invalid)

    assert stored_rows(device.app) == before
    assert event_kinds(device.app) == seen
    assert device.refresh().status_code == 200


def test_access_token_is_no_refresh_token(device: Device, dialect: Dialect):
    before, seen = stored_rows(device.app), event_kinds(device.app)

    refused = device.present(device.current_access_token())

    # Where refresh tokens are at most 255 characters long, an access token is bad input.
    assert refused.status_code in {400, dialect.invalid}
    assert_in_shape(refused, device, refused.status_code)
    assert stored_rows(device.app) == before
    assert event_kinds(device.app) == seen
    assert device.refresh().status_code == 200


def test_refresh_token_is_no_access_token(device: Device):
    before, refresh = stored_rows(device.app), device.current_refresh_token()
    other = device.another_device()
    other.hold(access_token=refresh)

    answer = other.use()

    # A service that looks at a token is told of what kind it is.
    assert answer.status_code == 401 or answer.get_json().get("token_type") == "refresh_token"
    assert stored_rows(device.app) == before


@pytest.mark.parametrize("transport", ["cookie"], indirect=True)
def test_page_of_another_site_is_refused_and_clears_nothing(device: Device):
    before = stored_rows(device.app)
    device.http.environ_base["HTTP_ORIGIN"] = "https://elsewhere.example"
    refused = device.exchange(None)
    del device.http.environ_base["HTTP_ORIGIN"]

    assert_for_now(refused, device, 403)
    assert stored_rows(device.app) == before
    assert device.refresh().status_code == 200


def test_unknown_path_is_not_found_in_the_contracts_shape(device: Device, dialect: Dialect):
    prefix = dialect.contract.defaults.prefix.rstrip("/")

    for path in (f"{prefix}/nowhere", f"{device.refresh_path}/nowhere"):
        assert_for_now(device.http.post(path, base_url=ORIGIN), device, 404)


def test_other_methods_are_not_allowed_in_the_contracts_shape(device: Device):
    for method in ("GET", "PUT", "DELETE"):
        refused = device.http.open(device.refresh_path, method=method, base_url=ORIGIN)
        assert_for_now(refused, device, 405)
        assert "POST" in refused.headers["Allow"]


def test_body_that_is_too_large_is_refused_in_the_contracts_shape(device: Device):
    large = {device.refresh_field: "x" * 2_000_000}

    refused = device.http.post(device.refresh_path, json=large, base_url=ORIGIN)

    assert_in_shape(refused, device, 413)
    assert device.refresh().status_code == 200
