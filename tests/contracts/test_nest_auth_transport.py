"""The two delivery modes: section 2 of the contract."""

from datetime import timedelta

import pytest

from app.primitives.clock import FrozenClock
from tests.clients import AuthClient
from tests.conftest import AppFor
from tests.http.wire import (
    LOGIN_COOKIES,
    TOKEN_COOKIES,
    body_without_tokens,
    cleared_cookies,
    set_cookies,
)
from tests.rows import session_row

ASK_FOR_COOKIES = {"X-Access-Token-Type": "cookie"}
FIXED = {"path": "/", "samesite": "Lax", "secure": None, "httponly": None}
in_cookie_mode = pytest.mark.parametrize("transport", ["cookie"], indirect=True)


@in_cookie_mode
def test_token_cookies_have_the_documented_names_and_attributes(client: AuthClient) -> None:
    """[seed] Cookie mode: tokens in HTTP-only cookies"""
    cookies = set_cookies(client.sign_up())

    for name, age in (("accessToken", "3600"), ("refreshToken", "2592000")):
        attributes = dict(cookies[name].attributes)
        assert attributes.pop("max-age") == age
        attributes.pop("expires", None)
        assert attributes == FIXED
    assert set(cookies) == LOGIN_COOKIES


@in_cookie_mode
def test_refresh_cookie_lives_no_longer_than_its_session(client: AuthClient, clock: FrozenClock) -> None:
    client.sign_up()
    for _ in range(3):
        clock.advance(timedelta(days=29))
        answer = client.refresh()

    ages = {name: set_cookies(answer)[name].attributes["max-age"] for name in TOKEN_COOKIES}
    assert ages == {"accessToken": "3600", "refreshToken": str(3 * 86_400)}


@in_cookie_mode
def test_login_not_to_be_remembered_sets_session_cookies_and_refresh_keeps_them_so(
    client: AuthClient,
) -> None:
    client.sign_up()

    for answer in (client.log_in(rememberMe=False), client.refresh(), client.refresh()):
        cookies = set_cookies(answer)
        assert set(cookies) == LOGIN_COOKIES
        assert cookies["nest_auth_remember"].value == "0"
        assert all({"max-age", "expires"}.isdisjoint(cookie.attributes) for cookie in cookies.values())
        assert dict(cookies["nest_auth_remember"].attributes) == FIXED


@in_cookie_mode
def test_login_to_be_remembered_takes_the_marker_away(client: AuthClient) -> None:
    client.sign_up()
    client.log_in(rememberMe=False)

    answer = client.log_in(rememberMe=True)

    assert cleared_cookies(answer) == {"nest_auth_remember"}
    assert set_cookies(client.refresh())["refreshToken"].attributes["max-age"] == "2592000"


@in_cookie_mode
def test_logout_clears_both_tokens_under_the_same_path(client: AuthClient) -> None:
    client.sign_up()
    answer = client.post("/auth/logout")

    assert cleared_cookies(answer) == LOGIN_COOKIES
    assert all(cookie.attributes["path"] == "/" for cookie in set_cookies(answer).values())
    assert client.current_access_token() is None
    assert client.current_refresh_token() is None


@pytest.mark.parametrize("asked", ["cookie", "Cookie", " COOKIE "])
def test_client_mode_gives_cookies_to_whoever_asks(app_for: AppFor, asked: str) -> None:
    """[seed] accessTokenType: decided per request where it is null; the body has no token in cookie mode"""
    client = AuthClient(app_for(access_token_type="client"), "cookie")
    headers = {"X-Access-Token-Type": asked}

    answer = client.post(
        "/auth/signup", {"email": "ada@example.test", "password": "correct horse"}, headers=headers
    )

    assert set(answer.get_json()) == {"isRequiresMfa", "message"}
    assert set(set_cookies(answer)) == LOGIN_COOKIES
    assert session_row(client.app, client.current_access_token()).transport == "cookie"
    assert client.get("/auth/me", headers=headers).status_code == 200


@pytest.mark.parametrize("asked", [None, "header", "cookies", "", "cookie, header"])
def test_client_mode_means_header_mode_for_everybody_else(app_for: AppFor, asked: str | None) -> None:
    client = AuthClient(app_for(access_token_type="client"), "header")
    headers = {} if asked is None else {"X-Access-Token-Type": asked}
    body = {"email": "ada@example.test", "password": "correct horse"}

    answer = client.post("/auth/signup", body, headers=headers)

    assert body_without_tokens(client, answer) == {"isRequiresMfa": False, "message": "Signup successful"}
    assert set_cookies(answer) == {}


def test_client_mode_reads_cookies_only_when_asked_for_cookies(app_for: AppFor) -> None:
    client = AuthClient(app_for(access_token_type="client"), "cookie")
    body = {"email": "ada@example.test", "password": "correct horse"}
    client.post("/auth/signup", body, headers=ASK_FOR_COOKIES)

    assert client.get("/auth/me").status_code == 401
    assert client.post("/auth/refresh-token").status_code == 401
    assert client.post("/auth/refresh-token", headers=ASK_FOR_COOKIES).status_code == 200


@in_cookie_mode
def test_cookie_mode_does_not_read_the_authorization_header(client: AuthClient) -> None:
    client.sign_up()
    token = client.current_access_token()
    other = client.another_device()

    assert other.get("/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401


@pytest.mark.parametrize(
    ("configured", "said"), [("header", "header"), ("cookie", "cookie"), ("client", None)]
)
def test_client_config_says_how_tokens_travel_and_what_is_offered(
    app_for: AppFor, configured: str, said: str | None
) -> None:
    """[seed] Setting accessTokenType: header, cookie, or null, which is decided per request"""
    answer = AuthClient(app_for(access_token_type=configured), "header").get("/auth/client-config")

    offered = {
        "emailAuth": True,
        "phoneAuth": True,
        "registration": True,
        "passwordless": False,
        "mfa": True,
    }
    body = answer.get_json()
    assert body.pop("accessTokenType") == said
    assert body == {name: {"enabled": enabled} for name, enabled in offered.items()}


def test_csrf_says_that_double_submit_is_off(client: AuthClient) -> None:
    answer = client.get("/auth/csrf")

    assert (answer.status_code, answer.get_json()) == (200, {"enabled": False})
    assert set_cookies(answer) == {}
