"""Refresh: sections 2, 3 and 7 of the contract, each refusal with its answer, its row and its event."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.engine.engine import Engine
from app.primitives.clock import FrozenClock
from app.primitives.keyring import Purpose
from tests.clients import ORIGIN
from tests.conftest import AppFor, runtime_of
from tests.contracts.seven_g_client import SevenGClient, assert_refused
from tests.http.forging import broken_forms, key_of, resigned
from tests.http.wire import cleared_cookies, set_cookies, stored_rows
from tests.rows import event_kinds, session_row

NO_ACCESS = "access token is required"
BAD_ACCESS = "access token is not valid"
BAD_REFRESH = "refresh token is not valid"
LATER = timedelta(seconds=31)


@pytest.fixture
def client(app_for: AppFor, transport: str) -> SevenGClient:
    client = SevenGClient(app_for(contracts="seven_g", access_token_type=transport), transport)
    client.sign_up()
    return client


in_header_mode = pytest.mark.parametrize("transport", ["header"], indirect=True)


@in_header_mode
def test_refresh_takes_the_documented_headers_and_field(client: SevenGClient):
    """[seed] POST /User/RefreshToken (paths PascalCase, fields camelCase); Content-Type: application/json;
    Version: 2.0; Authorization: Bearer and the access token; refreshToken; 200
    """
    answer = client.app.test_client().post(
        "/User/RefreshToken",
        json={"refreshToken": client.refresh_token},
        headers={"Version": "2.0", "Authorization": f"Bearer {client.access_token}"},
    )

    assert answer.status_code == 200
    assert set(answer.get_json()) == {"accessToken", "refreshToken"}


def test_refresh_answers_with_the_two_tokens_and_nothing_around_them(client: SevenGClient):
    """[seed] 200 body, exactly two fields: accessToken, refreshToken"""
    answer = client.refresh()

    carried = {"accessToken", "refreshToken"} if client.transport == "header" else set()
    assert answer.status_code == 200
    assert set(answer.get_json()) == carried
    assert answer.headers["Cache-Control"] == "no-store"


def test_refresh_token_alone_is_not_enough(client: SevenGClient):
    """[seed] The refresh token alone is not enough; Authorization is required at refresh"""
    before, seen = stored_rows(client.app), event_kinds(client.app)

    refused = client.present_both(None, client.current_refresh_token())

    assert_refused(refused, 401, NO_ACCESS)
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert set_cookies(refused) == {}
    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen


def test_access_token_of_another_session_will_not_do(client: SevenGClient):
    """[seed] the request must carry the access token of the same session"""
    other = client.another_device()
    other.log_in()
    before, seen = stored_rows(client.app), event_kinds(client.app)

    refused = client.present_both(other.current_access_token(), client.current_refresh_token())

    assert_refused(refused, 401, BAD_REFRESH)
    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen
    assert client.refresh().status_code == other.refresh().status_code == 200


def test_access_token_of_another_generation_will_not_do(client: SevenGClient):
    first = client.current_access_token()
    client.refresh()

    assert_refused(client.present_both(first, client.current_refresh_token()), 401, BAD_REFRESH)
    assert client.refresh().status_code == 200


@pytest.mark.parametrize("pause", [timedelta(minutes=19), timedelta(minutes=20), timedelta(days=29)])
def test_access_token_may_be_near_its_end_or_past_it(
    client: SevenGClient, clock: FrozenClock, pause: timedelta
):
    """[seed] That access token may be near expiry or already expired"""
    clock.advance(pause)
    assert client.refresh().status_code == 200


@pytest.mark.parametrize(
    "form",
    ["truncated", "one bit off", "alg none", "another key", "another algorithm", "garbage", "dots"],
)
def test_forged_access_token_is_refused_and_changes_nothing(client: SevenGClient, form: str):
    token = broken_forms(client.current_access_token(), client.app, Purpose.ACCESS_TOKEN)[form]
    before, seen = stored_rows(client.app), event_kinds(client.app)

    assert_refused(client.present_both(token, client.current_refresh_token()), 401, BAD_ACCESS)

    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen


@pytest.mark.parametrize(
    "changes", [{"iss": "https://other.example"}, {"aud": "Private"}, {"type": "refresh"}]
)
def test_expired_access_token_is_still_checked_in_full(
    client: SevenGClient, clock: FrozenClock, changes: dict[str, str]
):
    clock.advance(timedelta(hours=1))
    token = resigned(client.current_access_token(), key_of(client.app), **changes)

    assert_refused(client.present_both(token, client.current_refresh_token()), 401, BAD_ACCESS)


@in_header_mode
@pytest.mark.parametrize("scheme", ["", "Bearer ", "bearer ", "BEARER ", " Bearer   "])
def test_access_token_comes_bare_or_with_the_scheme_in_any_case(client: SevenGClient, scheme: str):
    """[docs] the bare access token, no scheme word"""
    headers = {"Authorization": scheme + (client.access_token or "")}

    answer = client.post("/User/RefreshToken", {"refreshToken": client.refresh_token}, headers=headers)

    assert answer.status_code == 200


@in_header_mode
@pytest.mark.parametrize("header", ["Bearer", "Basic YTpi", "Bearer a b", "Token {}"])
def test_authorization_of_another_form_is_refused(client: SevenGClient, header: str):
    headers = {"Authorization": header.format(client.access_token)}
    refused = client.post("/User/RefreshToken", {"refreshToken": client.refresh_token}, headers=headers)

    assert_refused(refused, 401)


@in_header_mode
@pytest.mark.parametrize("path", ["/User/RefreshToken", "/user/refreshtoken", "/USER/REFRESHTOKEN"])
def test_paths_match_in_any_case(client: SevenGClient, path: str):
    """[docs] Paths appear both as /User/Login and /user/login"""
    assert client.post(path, {"refreshToken": client.refresh_token}).status_code == 200


@in_header_mode
@pytest.mark.parametrize("version", ["1.0", "2", "2.0.0", "", "3.0", "2.0, 2.0"])
@pytest.mark.parametrize("path", ["/User/Login", "/User/RefreshToken"])
def test_another_version_is_a_bad_request(client: SevenGClient, path: str, version: str):
    """[seed] Version: 2.0 on every request"""
    before = stored_rows(client.app)

    refused = client.post(path, {"refreshToken": client.refresh_token}, headers={"Version": version})

    assert_refused(refused, 400, "Version must be 2.0")
    assert stored_rows(client.app) == before


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "refreshToken is required"),
        ({"refreshToken": None}, "refreshToken is required"),
        ({"refreshToken": 42}, "refreshToken must be a string"),
        ({"refreshToken": ["x"]}, "refreshToken must be a string"),
        ({"refreshToken": "x" * 256}, "refreshToken must be at most 255 characters"),
    ],
)
def test_refresh_token_that_cannot_be_one_is_a_bad_request(
    client: SevenGClient, body: dict[str, object], message: str
):
    """[seed] refreshToken: string, required, up to 255 characters"""
    before = stored_rows(client.app)
    other = client.app.test_client()

    headers = {"Authorization": f"Bearer {client.current_access_token()}"}
    refused = other.post("/User/RefreshToken", json=body, headers=headers, base_url=ORIGIN)

    assert_refused(refused, 400, message)
    assert stored_rows(client.app) == before
    assert client.refresh().status_code == 200


@in_header_mode
def test_any_text_of_255_characters_is_taken_for_a_token(client: SevenGClient):
    """[seed] refreshToken: up to 255 characters"""
    for text in ("x" * 255, "q7Jm+/==", "é" * 255):
        assert_refused(client.post("/User/RefreshToken", {"refreshToken": text}), 401, BAD_REFRESH)


def test_refresh_revokes_the_access_token_that_was_presented(client: SevenGClient):
    """[seed] On success the access token that was presented is revoked"""
    presented = client.current_access_token()
    assert client.use_token(presented).status_code == 200

    client.refresh()

    assert_refused(client.use_token(presented), 401, BAD_ACCESS)
    assert client.use().status_code == 200


def test_refresh_replaces_the_refresh_token(client: SevenGClient, clock: FrozenClock):
    """[seed] On success a new refresh token is issued and the old one replaced; rotation is unconditional"""
    tokens = {client.current_refresh_token(), client.current_access_token()}
    for _ in range(3):
        assert client.refresh().status_code == 200
        tokens |= {client.current_refresh_token(), client.current_access_token()}

    assert len(tokens) == 8


def test_lost_answer_may_be_asked_for_again_for_half_a_minute(client: SevenGClient):
    first = client.current_refresh_token()
    client.refresh()

    repeated = client.present(first)

    assert repeated.status_code == 200
    assert event_kinds(client.app)[-1] == "session:refresh:repeated"
    assert session_row(client.app, client.current_access_token()).generation == 2


def test_reuse_of_both_old_tokens_ends_the_session(client: SevenGClient, clock: FrozenClock):
    first = client.current_refresh_token()
    client.refresh()
    clock.advance(LATER)

    assert_refused(client.present(first), 401, BAD_REFRESH)

    assert session_row(client.app, client.current_access_token()).revoked_reason == "reuse"
    assert event_kinds(client.app)[-1] == "session:refresh:reused"
    assert_refused(client.use(), 401, BAD_ACCESS)
    assert_refused(client.refresh(), 401, BAD_REFRESH)


@pytest.mark.parametrize(("late", "status"), [(timedelta(0), 401), (timedelta(seconds=-1), 200)])
def test_session_lives_thirty_days_without_use(
    client: SevenGClient, clock: FrozenClock, late: timedelta, status: int
):
    """[seed] Refresh life: about 30 days"""
    token = client.current_access_token()
    clock.advance(timedelta(days=30) + late)

    assert client.present(client.current_refresh_token()).status_code == status
    assert session_row(client.app, token).revoked_at is None


def _suspend(engine: Engine) -> None:
    engine.accounts.suspend(1)


def _delete(engine: Engine) -> None:
    engine.accounts.delete(1)


def _end(engine: Engine) -> None:
    engine.sessions.end_all(1, None)


@pytest.mark.parametrize(
    ("end", "message", "reason"),
    [
        (_suspend, "credentials are not valid", "suspended"),
        (_delete, "credentials are not valid", "deleted"),
        (_end, BAD_REFRESH, "logout"),
    ],
)
def test_session_that_was_ended_is_refused_and_its_cookies_go(
    client: SevenGClient, end: Callable[[Engine], None], message: str, reason: str
):
    token = client.current_access_token()
    end(runtime_of(client.app).engine)

    refused = client.refresh()

    assert_refused(refused, 401, message)
    assert session_row(client.app, token).revoked_reason == reason
    if client.transport == "cookie":
        assert {"seven_g_access", "seven_g_refresh"} <= cleared_cookies(refused)


@pytest.mark.parametrize("transport", ["cookie"], indirect=True)
def test_access_cookie_lives_as_long_as_the_refresh_cookie_that_needs_it(client: SevenGClient):
    cookies = set_cookies(client.log_in())

    ages = {name: cookies[name].attributes["max-age"] for name in ("seven_g_access", "seven_g_refresh")}
    assert ages == {"seven_g_access": "2592000", "seven_g_refresh": "2592000"}


@pytest.mark.parametrize("transport", ["cookie"], indirect=True)
def test_client_that_moves_to_cookies_brings_its_tokens_as_before(client: SevenGClient):
    headers = {"Authorization": client.current_access_token() or ""}
    body = {"refreshToken": client.current_refresh_token()}

    answer = client.app.test_client().post("/User/RefreshToken", json=body, headers=headers, base_url=ORIGIN)

    assert (answer.status_code, answer.get_json()) == (200, {})
    assert {"seven_g_access", "seven_g_refresh"} <= set(set_cookies(answer))


def test_refreshes_from_one_address_are_limited(app_for: AppFor, transport: str):
    app = app_for(contracts="seven_g", access_token_type=transport, rate_limit_refresh="2 per minute")
    client = SevenGClient(app, transport)
    client.sign_up()
    answers = [client.refresh() for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert_refused(answers[2], 429)
    assert int(answers[2].headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("method", "path", "send", "status"),
    [
        ("POST", "/User/Logout", {}, 404),
        ("POST", "/user/register", {}, 404),
        ("GET", "/user/login", {}, 405),
        ("POST", "/User/Login", {"data": b"{", "content_type": "application/json"}, 400),
        ("POST", "/User/Login", {"json": {"username": "x" * 2000}}, 413),
        ("POST", "/USER/LOGIN", {"data": {"username": "x"}}, 415),
        ("GET", "/User/Failing", {}, 500),
    ],
)
def test_every_error_is_in_the_envelope(
    new_app_for: AppFor, method: str, path: str, send: dict[str, Any], status: int
):
    """[docs] envelope: result, message, recordCount, data"""
    app = new_app_for(contracts="seven_g", max_body_bytes=1024)
    app.add_url_rule("/User/Failing", view_func=lambda: 1 / 0)

    assert_refused(app.test_client().open(path, method=method, **send), status)
