"""Tokens that are no good: refused as strangers, and no stranger changes a session."""

import pytest

from app.primitives.keyring import Purpose
from tests.clients import ORIGIN, AuthClient
from tests.http.forging import broken_forms, key_of, resigned
from tests.http.wire import (
    LOGIN_COOKIES,
    assert_refused,
    cleared_cookies,
    mounted_operations,
    send,
    set_cookies,
    stored_rows,
)
from tests.rows import claims_of, event_kinds

EXPIRED = ("REFRESH_TOKEN_EXPIRED", "Invalid or expired refresh token")
INVALID = ("INVALID_TOKEN", "Invalid or expired token")


def _refresh_raw(client: AuthClient, token: str):
    """Present a token exactly as it is spelled, as cookie or in the body."""
    browser = client.app.test_client(use_cookies=False)
    if client.transport == "cookie":
        headers = {"Cookie": f"refreshToken={token}"}
        return browser.post("/auth/refresh-token", headers=headers, base_url=ORIGIN)
    return browser.post("/auth/refresh-token", json={"refreshToken": token}, base_url=ORIGIN)


def _call_raw(client: AuthClient, method: str, path: str, token: str):
    """Call with an access token exactly as it is spelled."""
    cookie = {"Cookie": f"accessToken={token}"}
    headers = cookie if client.transport == "cookie" else {"Authorization": f"Bearer {token}"}
    browser = client.app.test_client(use_cookies=False)
    return browser.open(path, method=method, headers=headers, base_url=ORIGIN)


def test_broken_refresh_token_is_a_stranger_and_ends_nothing(client: AuthClient) -> None:
    client.sign_up()
    before, seen = stored_rows(client.app), event_kinds(client.app)
    token = client.current_refresh_token()

    for name, broken in broken_forms(token, client.app, Purpose.REFRESH_TOKEN_ENVELOPE).items():
        refused = _refresh_raw(client, broken)
        if name == "huge" and client.transport == "header":
            assert_refused(refused, 413)
            continue
        assert refused.status_code in {400, 401}, name
        if refused.status_code == 401:
            assert_refused(refused, 401, *EXPIRED)
            assert cleared_cookies(refused) == (LOGIN_COOKIES if client.transport == "cookie" else set())

    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "access"},
        {"gen": 0},
        {"gen": -1},
        {"gen": 2**63},
        {"gen": 2},
        {"gen": "1"},
        {"gen": True},
        {"sid": "not a uuid"},
        {"sid": None},
        {"sid": "00000000-0000-0000-0000-000000000000"},
        {"proof": "AAAA"},
        {"proof": ""},
        {"proof": "é"},
        {"proof": 1},
        {"exp": "1"},
        {"exp": None},
    ],
)
def test_signed_envelope_around_other_values_is_a_stranger(
    client: AuthClient, changes: dict[str, object]
) -> None:
    client.sign_up()
    before, seen = stored_rows(client.app), event_kinds(client.app)
    key = key_of(client.app, Purpose.REFRESH_TOKEN_ENVELOPE)

    assert_refused(
        _refresh_raw(client, resigned(client.current_refresh_token(), key, **changes)), 401, *EXPIRED
    )

    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen
    assert client.refresh().status_code == 200


def test_proof_of_one_session_does_not_open_another(client: AuthClient) -> None:
    client.sign_up()
    other = client.another_device()
    other.sign_up("eve@example.test")
    before = stored_rows(client.app)
    key = key_of(client.app, Purpose.REFRESH_TOKEN_ENVELOPE)
    mine = claims_of(client.current_refresh_token())

    forged = resigned(other.current_refresh_token(), key, sid=mine["sid"], gen=mine["gen"])

    assert_refused(_refresh_raw(client, forged), 401, *EXPIRED)
    assert stored_rows(client.app) == before


def test_broken_access_token_opens_nothing(client: AuthClient) -> None:
    client.sign_up()
    client.get("/auth/me")
    before, seen = stored_rows(client.app), event_kinds(client.app)
    forms = broken_forms(client.current_access_token(), client.app, Purpose.ACCESS_TOKEN)
    forms["a refresh token"] = client.current_refresh_token() or ""

    for name, broken in forms.items():
        for operation in mounted_operations(client.app):
            if operation.is_guarded and not operation.reads_body:
                refused = _call_raw(client, operation.method, operation.path, broken)
                assert_refused(refused, 401, *INVALID)
                assert refused.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"', name
                assert set_cookies(refused) == {}

    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen


@pytest.mark.parametrize("token", ["", " ", "\t"])
def test_empty_token_is_none_at_all(client: AuthClient, token: str) -> None:
    client.sign_up()
    before = stored_rows(client.app)

    for operation in mounted_operations(client.app):
        if operation.is_guarded and not operation.reads_body:
            assert_refused(
                _call_raw(client, operation.method, operation.path, token), 401, "NO_AUTH_PROVIDED"
            )

    assert _refresh_raw(client, token).status_code == 401
    assert stored_rows(client.app) == before


def test_tokens_of_the_other_kind_are_refused_at_each_others_place(client: AuthClient) -> None:
    client.sign_up()
    access, refresh = client.current_access_token() or "", client.current_refresh_token() or ""

    assert_refused(_refresh_raw(client, access), 401, *EXPIRED)
    assert_refused(_call_raw(client, "GET", "/auth/me", refresh), 401, *INVALID)
    assert client.get("/auth/me").status_code == 200
    assert client.refresh().status_code == 200


def test_refused_tokens_leave_a_good_client_signed_in(client: AuthClient) -> None:
    client.sign_up()
    for operation in mounted_operations(client.app):
        if operation.is_guarded:
            send(client.another_device(), operation)

    assert client.get("/auth/me").status_code == 200
