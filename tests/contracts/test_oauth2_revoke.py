"""oauth2: ending a session by one of its tokens (RFC 7009)."""

from datetime import timedelta

import pytest
from sqlalchemy import delete

from app.extensions import db
from app.models import Session
from app.primitives.clock import FrozenClock
from tests.conftest import AppFor
from tests.contracts.oauth2_client import CONFIDENTIAL, INVALID_GRANT, PUBLIC, OAuth2Client
from tests.http.wire import cleared_cookies, stored_rows
from tests.rows import event_kinds, session_row


@pytest.fixture
def device(app_for: AppFor, transport: str) -> OAuth2Client:
    return OAuth2Client(app_for(contracts="oauth2", access_token_type=transport), transport)


@pytest.fixture
def header_device(app_for: AppFor) -> OAuth2Client:
    return OAuth2Client(app_for(contracts="oauth2"), "header")


def _revoke(device: OAuth2Client, token: str | None, **form: str) -> tuple[int, object]:
    answer = device.post("/oauth/revoke", {"token": token, **form})
    return answer.status_code, answer.get_json()


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_either_token_ends_the_session_whatever_the_hint(
    header_device: OAuth2Client, kind: str, hint: str | None
) -> None:
    """[docs] RFC 7009 2.1: a wrong hint is tolerated; a refresh token takes its access tokens along."""
    header_device.log_in()

    form = {} if hint is None else {"token_type_hint": hint}
    assert _revoke(header_device, getattr(header_device, kind), **form) == (200, {})

    assert header_device.use().get_json() == {"active": False}
    assert header_device.refresh().get_json() == INVALID_GRANT
    assert session_row(header_device.app, header_device.access_token).revoked_reason == "logout"
    assert event_kinds(header_device.app)[-1] == "session:self:ended"


@pytest.mark.parametrize("token", ["x", "kt1_" + "A" * 88, "a.b.c", "é", "x" * 20000])
def test_unknown_token_is_no_error_and_changes_nothing(header_device: OAuth2Client, token: str) -> None:
    """[docs] RFC 7009 2.2: invalid tokens do not cause an error response."""
    header_device.log_in()
    before = stored_rows(header_device.app)
    assert _revoke(header_device, token) == (200, {})
    assert stored_rows(header_device.app) == before


def test_token_of_a_session_that_is_over_is_no_error(header_device: OAuth2Client) -> None:
    header_device.log_in()
    for _ in range(2):
        assert _revoke(header_device, header_device.refresh_token) == (200, {})
    assert event_kinds(header_device.app).count("session:self:ended") == 1


def test_token_of_a_session_that_is_long_gone_is_no_error(header_device: OAuth2Client) -> None:
    header_device.log_in()
    with header_device.app.app_context():
        db.session.execute(delete(Session))
        db.session.commit()
    assert _revoke(header_device, header_device.access_token) == (200, {})
    assert _revoke(header_device, header_device.refresh_token) == (200, {})


def test_expired_and_superseded_tokens_still_name_their_session(
    header_device: OAuth2Client, clock: FrozenClock
) -> None:
    header_device.log_in()
    first = header_device.refresh_token
    header_device.refresh()
    clock.advance(timedelta(hours=2))

    assert _revoke(header_device, first) == (200, {})

    assert header_device.refresh().get_json() == INVALID_GRANT
    assert "session:refresh:reused" not in event_kinds(header_device.app)


@pytest.mark.parametrize(("owner", "stranger"), [(PUBLIC, CONFIDENTIAL), (CONFIDENTIAL, PUBLIC)])
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_token_of_another_application_is_refused_and_nothing_changes(
    header_device: OAuth2Client, owner: str, stranger: str, kind: str
) -> None:
    """[docs] RFC 7009 2.1: a token that was issued to another client is refused, and the client told."""
    holder = header_device.another_device(owner)
    holder.log_in()
    before, seen = stored_rows(holder.app), event_kinds(holder.app)

    status, body = _revoke(header_device.another_device(stranger), getattr(holder, kind))

    assert status == 400
    assert body == {
        "error": "unauthorized_client",
        "error_description": "The token was issued to another client",
    }
    assert (stored_rows(holder.app), event_kinds(holder.app)) == (before, seen)


def test_token_is_required_where_no_cookie_can_carry_it(header_device: OAuth2Client) -> None:
    refused = {"error": "invalid_request", "error_description": "token is required"}
    assert _revoke(header_device, None) == (400, refused)


def test_logging_out_works_by_each_transport(device: OAuth2Client) -> None:
    device.log_in()
    answer = device.log_out()

    assert (answer.status_code, answer.get_json()) == (200, {})
    if device.transport == "cookie":
        assert {"oauth2_access", "oauth2_refresh"} <= cleared_cookies(answer)
    assert event_kinds(device.app)[-1] == "session:self:ended"


def test_token_in_the_body_leaves_the_cookies_session_alone(app_for: AppFor) -> None:
    device = OAuth2Client(app_for(contracts="oauth2", access_token_type="cookie"), "cookie")
    device.log_in()

    answer = device.post("/oauth/revoke", {"token": "x"})

    assert (answer.status_code, cleared_cookies(answer)) == (200, set())
    assert device.refresh().status_code == 200
