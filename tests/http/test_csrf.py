"""Cross-site requests in cookie mode: refused by where they come from, and by double submit."""

import base64
from typing import Any

import pytest

from app.primitives.keyring import Purpose
from tests.clients import AuthClient
from tests.conftest import AppFor
from tests.http.forging import key_of
from tests.http.wire import (
    MountedOperation,
    assert_refused,
    mounted_operations,
    send,
    set_cookies,
    stored_rows,
)
from tests.rows import event_kinds, session_row

OWN, PARTNER = "https://keyturn.example", "https://shop.example:8443"
FOREIGN = (
    "https://evil.example",
    "null",
    "",
    "https://keyturn.example.evil.example",
    "https://evilkeyturn.example",
    "https://keyturn.exampl",
    "https://keyturn.example:444",
    "https://keyturn.example:443",
    "http://keyturn.example",
    "https://KEYTURN.example",
    "https://keyturn.example/",
    "https://keyturn.example, https://evil.example",
    "https://user@keyturn.example",
    "https://shop.example",
    "http://shop.example:8443",
    "https://a.keyturn.example",
    "*",
    "é",
)


@pytest.fixture
def browser(app_for: AppFor) -> AuthClient:
    """A signed-in browser of a deployment with one more origin."""
    client = AuthClient(app_for(access_token_type="cookie", allowed_origins=f"{OWN},{PARTNER}"), "cookie")
    client.sign_up()
    client.get("/auth/me")
    return client


def _unsafe(client: AuthClient) -> list[MountedOperation]:
    return [operation for operation in mounted_operations(client.app) if operation.is_unsafe]


def _assert_rejected_everywhere(client: AuthClient, headers: dict[str, str]) -> None:
    before, seen = stored_rows(client.app), event_kinds(client.app)
    for operation in _unsafe(client):
        refused = send(client, operation, headers=headers, json=operation.body)
        assert_refused(refused, 403, "CSRF_ORIGIN_REJECTED", "The request came from another site.")
        assert set_cookies(refused) == {}
    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen


def _assert_passes_everywhere(client: AuthClient, headers: dict[str, str]) -> None:
    for operation in sorted(_unsafe(client), key=lambda found: "password" in found.path):
        client.log_in()
        answer = send(client, operation, headers=headers, json=operation.body)
        # What the operation itself says, for instance that a code is wrong, is another matter.
        assert answer.status_code < 500, operation
        assert not str(answer.get_json().get("code")).startswith("CSRF"), operation


@pytest.mark.parametrize("origin", FOREIGN)
def test_foreign_origin_is_rejected_by_every_unsafe_operation(browser: AuthClient, origin: str) -> None:
    _assert_rejected_everywhere(browser, {"Origin": origin})
    _assert_rejected_everywhere(browser, {"Origin": origin, "Sec-Fetch-Site": "same-origin"})


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("origin", [None, OWN])
def test_fetch_metadata_of_another_page_is_rejected_without_a_configured_origin(
    browser: AuthClient, site: str, origin: str | None
) -> None:
    headers = {"Sec-Fetch-Site": site}
    _assert_rejected_everywhere(browser, headers if origin is None else {**headers, "Origin": origin})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": OWN},
        {"Origin": PARTNER},
        {"Origin": OWN, "Sec-Fetch-Site": "same-origin"},
        {"Origin": PARTNER, "Sec-Fetch-Site": "cross-site"},
        {"Origin": PARTNER, "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_own_and_configured_pages_and_programs_pass(browser: AuthClient, headers: dict[str, str]) -> None:
    _assert_passes_everywhere(browser, headers)


def test_reading_is_never_rejected_for_its_origin(browser: AuthClient) -> None:
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    for operation in mounted_operations(browser.app):
        if not operation.is_unsafe:
            answer = send(browser, operation, headers=headers)
            assert answer.status_code == 200
            assert "Access-Control-Allow-Origin" not in answer.headers


def test_header_mode_is_not_concerned(app_for: AppFor) -> None:
    client = AuthClient(app_for(access_token_type="header", csrf_double_submit="true"), "header")
    client.sign_up()

    _assert_passes_everywhere(client, {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"})
    assert client.get("/auth/csrf").get_json() == {"enabled": False}
    assert set_cookies(client.get("/auth/csrf")) == {}


@pytest.fixture
def form(app_for: AppFor) -> AuthClient:
    """A signed-in browser where double submit is on."""
    client = AuthClient(app_for(access_token_type="cookie", csrf_double_submit="true"), "cookie")
    client.sign_up()
    client.get("/auth/me")
    return client


def _csrf_cookie(client: AuthClient) -> str:
    cookie = client.http.get_cookie("nest_auth_csrf", domain="keyturn.example")
    assert cookie is not None
    return cookie.value


def _submit(client: AuthClient, cookie: str | None, header: str | None) -> Any:
    """Post to a guarded operation with these two values."""
    if cookie is None:
        client.http.delete_cookie("nest_auth_csrf", domain="keyturn.example")
    else:
        client.http.set_cookie("nest_auth_csrf", cookie, domain="keyturn.example", secure=True)
    headers = {} if header is None else {"X-CSRF-Token": header}
    return client.post("/auth/sessions/revoke-others", headers=headers)


def test_value_of_the_own_session_passes(form: AuthClient) -> None:
    value = _csrf_cookie(form)

    assert _submit(form, value, value).status_code == 200


def test_csrf_cookie_can_be_read_by_scripts_and_has_the_life_of_the_refresh_token(form: AuthClient) -> None:
    cookie = set_cookies(form.log_in())["nest_auth_csrf"]

    attributes = {name: value for name, value in cookie.attributes.items() if name != "expires"}
    assert attributes == {"path": "/", "samesite": "Lax", "secure": None, "max-age": "2592000"}


def _self_made(_form: AuthClient) -> str:
    return base64.urlsafe_b64encode(b"x" * 48).decode()


def _of_another_session(form: AuthClient) -> str:
    other = form.another_device()
    other.sign_up("eve@example.test")
    return _csrf_cookie(other)


def _from_before_login(form: AuthClient) -> str:
    visitor = form.another_device()
    return str(visitor.get("/auth/csrf").get_json()["csrfToken"])


@pytest.mark.parametrize(
    "make", [_self_made, _of_another_session, _from_before_login, lambda _: "é", lambda _: "="]
)
def test_equal_values_that_are_not_of_this_session_are_refused(form: AuthClient, make: Any) -> None:
    value = make(form)
    other_device = form.another_device()
    other_device.log_in()
    seen = event_kinds(form.app)

    refused = _submit(form, value, value)

    assert_refused(refused, 403, "CSRF_TOKEN_INVALID", "The CSRF token is missing or wrong.")
    assert set_cookies(refused) == {}
    assert event_kinds(form.app) == seen
    assert session_row(form.app, other_device.current_access_token()).revoked_at is None


@pytest.mark.parametrize("missing", ["cookie", "header", "both", "unequal"])
def test_missing_or_unequal_values_are_refused(form: AuthClient, missing: str) -> None:
    value = _csrf_cookie(form)
    cookie = None if missing in {"cookie", "both"} else value
    header = None if missing in {"header", "both"} else value
    if missing == "unequal":
        header = value[:-2] + "AA"

    assert_refused(_submit(form, cookie, header), 403, "CSRF_TOKEN_INVALID")


@pytest.mark.parametrize("missing", ["cookie", "header"])
def test_every_guarded_unsafe_operation_asks_for_the_value(form: AuthClient, missing: str) -> None:
    headers = {"X-CSRF-Token": _csrf_cookie(form)} if missing == "cookie" else {}
    if missing == "cookie":
        form.http.delete_cookie("nest_auth_csrf", domain="keyturn.example")
    before = stored_rows(form.app)

    for operation in _unsafe(form):
        if operation.is_guarded:
            refused = send(form, operation, headers=headers, json=operation.body)
            assert_refused(refused, 403, "CSRF_TOKEN_INVALID")

    assert stored_rows(form.app) == before


def test_csrf_endpoint_gives_a_value_for_the_session_that_asks(form: AuthClient) -> None:
    answer = form.get("/auth/csrf")
    body = answer.get_json()

    value = body.pop("csrfToken")
    assert body == {"enabled": True, "headerName": "x-csrf-token", "cookieName": "nest_auth_csrf"}
    assert set_cookies(answer)["nest_auth_csrf"].value == value
    assert _submit(form, value, value).status_code == 200


def test_login_and_refresh_renew_the_value(form: AuthClient) -> None:
    first = _csrf_cookie(form)
    form.refresh()
    second = _csrf_cookie(form)
    assert first != second
    assert _submit(form, second, second).status_code == 200

    form.log_in()
    third = _csrf_cookie(form)

    assert third not in {first, second}
    assert_refused(_submit(form, second, second), 403, "CSRF_TOKEN_INVALID")
    assert _submit(form, third, third).status_code == 200


def test_logout_takes_the_csrf_cookie_along(form: AuthClient) -> None:
    answer = form.post("/auth/logout")

    assert set_cookies(answer)["nest_auth_csrf"].attributes["max-age"] == "0"
    assert "httponly" not in set_cookies(answer)["nest_auth_csrf"].attributes


def test_csrf_value_is_signed_with_a_key_of_its_own(form: AuthClient) -> None:
    raw = base64.urlsafe_b64decode(_csrf_cookie(form))

    assert len(raw) == 48
    assert key_of(form.app, Purpose.CSRF_TOKEN) != key_of(form.app, Purpose.ACCESS_TOKEN)
