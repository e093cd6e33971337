"""Headers and cookies that are no good: ignored or refused, never believed by half."""

import pytest

from tests.clients import ORIGIN, AuthClient
from tests.http.wire import (
    TOKEN_COOKIES,
    assert_is_contract_error,
    assert_refused,
    mounted_operations,
    set_cookies,
    stored_rows,
)
from tests.rows import event_kinds

in_header_mode = pytest.mark.parametrize("transport", ["header"], indirect=True)
in_cookie_mode = pytest.mark.parametrize("transport", ["cookie"], indirect=True)


@in_header_mode
@pytest.mark.parametrize(
    "value",
    [
        "Bearer",
        "Bearer ",
        "bearer",
        "Basic YWRhOnBhc3N3b3Jk",
        "Digest x",
        "ApiKey x",
        "Negotiate",
        "x",
        ";",
        "é",
    ],
)
def test_authorization_without_a_bearer_token_brings_none(client: AuthClient, value: str) -> None:
    for operation in mounted_operations(client.app):
        if operation.is_guarded and not operation.reads_body:
            refused = client.http.open(
                operation.path, method=operation.method, headers={"Authorization": value}, base_url=ORIGIN
            )
            assert_refused(refused, 401, "NO_AUTH_PROVIDED", "No authentication provided")
            assert refused.headers["WWW-Authenticate"] == "Bearer"


@in_header_mode
@pytest.mark.parametrize(
    "scheme", ["Bearer {0}, Bearer {0}", "Bearer {0} {0}", "Bearer \x00{0}", "Bearer {0}\x1b[31m"]
)
def test_authorization_with_more_than_a_token_is_refused(client: AuthClient, scheme: str) -> None:
    client.sign_up()
    before = stored_rows(client.app)

    refused = client.get("/auth/me", headers={"Authorization": scheme.format(client.access_token)})

    assert_refused(refused, 401, "INVALID_TOKEN", "Invalid or expired token")
    assert stored_rows(client.app) == before


@in_header_mode
def test_authorization_sent_twice_is_refused(client: AuthClient) -> None:
    client.sign_up()
    value = f"Bearer {client.access_token}"

    refused = client.http.get(
        "/auth/me", headers=[("Authorization", value), ("Authorization", value)], base_url=ORIGIN
    )

    assert_refused(refused, 401, "INVALID_TOKEN")


@in_header_mode
@pytest.mark.parametrize("spelling", ["bearer {}", "BEARER {}", "Bearer   {}", " Bearer {} "])
def test_scheme_is_read_in_any_case_and_with_any_space(client: AuthClient, spelling: str) -> None:
    client.sign_up()
    headers = {"Authorization": spelling.format(client.access_token)}

    assert client.get("/auth/me", headers=headers).status_code == 200


@in_header_mode
def test_authorization_of_eight_kilobytes_is_refused(client: AuthClient) -> None:
    assert_refused(
        client.get("/auth/me", headers={"Authorization": "Bearer " + "x" * 8192}), 401, "INVALID_TOKEN"
    )


def _with_cookies(client: AuthClient, header: str) -> list[tuple[object, object]]:
    browser = client.app.test_client(use_cookies=False)
    return [
        (
            operation,
            browser.open(
                operation.path, method=operation.method, headers={"Cookie": header}, base_url=ORIGIN
            ),
        )
        for operation in mounted_operations(client.app)
        if operation.is_guarded and not operation.reads_body
    ]


@in_cookie_mode
@pytest.mark.parametrize(
    "form",
    [
        "accessToken={0}; accessToken={0}",
        "accessToken=tossed; accessToken={0}",
        "accessToken={0};accessToken =",
    ],
)
def test_access_cookie_sent_twice_is_refused_and_clears_nothing(client: AuthClient, form: str) -> None:
    client.sign_up()
    before, seen = stored_rows(client.app), event_kinds(client.app)

    for operation, refused in _with_cookies(client, form.format(client.current_access_token())):
        assert_is_contract_error(refused, operation)
        assert_refused(refused, 400, None, "the cookie accessToken came more than once")
        assert set_cookies(refused) == {}

    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen


@in_cookie_mode
@pytest.mark.parametrize(
    "form",
    [
        "={0}",
        "=accessToken={0}",
        ";;;=;",
        "accessToken",
        "accesstoken={0}",
        "ACCESSTOKEN={0}",
        "accessToken%3D{0}",
        "xaccessToken={0}",
        "$accessToken={0}",
        "\x00accessToken={0}",
        "é=é; \xff",
        "a" * 8000,
    ],
)
def test_cookie_that_is_not_quite_named_is_none(client: AuthClient, form: str) -> None:
    client.sign_up()
    before = stored_rows(client.app)

    for _, refused in _with_cookies(client, form.format(client.current_access_token())):
        assert_refused(refused, 401, "NO_AUTH_PROVIDED")
        assert set_cookies(refused) == {}

    assert stored_rows(client.app) == before


@in_cookie_mode
@pytest.mark.parametrize("path", ["/auth/refresh-token", "/auth/logout", "/auth/login", "/auth/signup"])
def test_refresh_cookie_sent_twice_is_refused_and_clears_nothing(client: AuthClient, path: str) -> None:
    client.sign_up()
    before, seen = stored_rows(client.app), event_kinds(client.app)
    browser = client.app.test_client(use_cookies=False)
    body = {
        "email": "eve@example.test",
        "password": "correct horse battery",
        "credentials": {"email": "ada@example.test", "password": "correct horse battery"},
    }
    headers = {"Cookie": f"refreshToken=tossed; refreshToken={client.current_refresh_token()}"}

    refused = browser.post(path, json=body, headers=headers, base_url=ORIGIN)

    assert_refused(refused, 400, None, "the cookie refreshToken came more than once")
    assert set_cookies(refused) == {}
    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen


@in_cookie_mode
def test_other_cookies_beside_ours_do_no_harm(client: AuthClient) -> None:
    client.sign_up()
    pairs = {"accessToken": client.current_access_token(), "refreshToken": client.current_refresh_token()}
    assert set(pairs) == TOKEN_COOKIES
    header = "; ".join(["a=b", "=", *(f"{name}={value}" for name, value in pairs.items()), "x=\xff", "a=c"])
    browser = client.app.test_client(use_cookies=False)

    assert browser.get("/auth/me", headers={"Cookie": header}, base_url=ORIGIN).status_code == 200
