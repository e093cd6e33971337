"""When cookies are set, when they are cleared, and what never happens to them."""

from collections.abc import Callable

import pytest

from app.primitives.clock import FrozenClock
from tests.authenticator import enrol
from tests.clients import ORIGIN, PASSWORD, AuthClient
from tests.conftest import AppFor, runtime_of
from tests.http.wire import (
    LOGIN_COOKIES,
    TOKEN_COOKIES,
    assert_refused,
    cleared_cookies,
    mounted_operations,
    send,
    set_cookies,
)
from tests.rows import change_user, event_kinds, events, session_row

PREFIXED = {f"__Host-{name}" for name in TOKEN_COOKIES}
LONGEST_COOKIE = 4096


@pytest.fixture
def transport() -> str:
    """Only one transport has cookies."""
    return "cookie"


def _suspend(client: AuthClient) -> None:
    runtime_of(client.app).engine.accounts.suspend(1)


def _delete(client: AuthClient) -> None:
    runtime_of(client.app).engine.accounts.delete(1)


def _revoke(client: AuthClient) -> None:
    other = client.another_device()
    other.log_in()
    other.post("/auth/logout-all")


def _spoil(client: AuthClient) -> None:
    client.hold(refresh_token="not.one.ours")


def _confirm_password(client: AuthClient, _clock: FrozenClock) -> str | None:
    before = client.current_refresh_token()
    assert client.post("/auth/reauthenticate", {"password": PASSWORD}).status_code == 200
    return before


def _pass_second_factor(client: AuthClient, clock: FrozenClock) -> str | None:
    app_in_hand = enrol(client, clock)
    client.log_in()
    before = client.current_refresh_token()
    body = {"method": "totp", "otp": app_in_hand.next_code()}
    assert client.post("/auth/mfa/verify", body).status_code == 200
    return before


@pytest.mark.parametrize("end", [_suspend, _delete, _revoke, _spoil])
def test_definitive_refusal_of_the_cookie_token_clears_the_login(client: AuthClient, end: object) -> None:
    client.sign_up()
    end(client)

    refused = client.refresh()

    assert refused.status_code == 401
    assert cleared_cookies(refused) == LOGIN_COOKIES
    assert client.current_refresh_token() is None
    assert client.current_access_token() is None


@pytest.mark.parametrize("path", ["/auth/logout", "/auth/logout-all", "/auth/change-password"])
def test_signing_out_clears_the_login(client: AuthClient, path: str) -> None:
    client.sign_up()
    passwords = {"currentPassword": PASSWORD, "newPassword": "another horse battery"}

    answer = client.post(path, passwords if path.endswith("password") else None)

    assert answer.status_code == 200
    assert cleared_cookies(answer) == set(set_cookies(answer)) == LOGIN_COOKIES


@pytest.mark.parametrize("end", [_suspend, _delete, _revoke])
def test_refusal_by_the_guard_leaves_the_cookies_alone(client: AuthClient, end: object) -> None:
    client.sign_up()
    end(client)

    for operation in mounted_operations(client.app):
        if operation.is_guarded and not operation.reads_body:
            refused = send(client, operation)
            assert refused.status_code == 401
            assert set_cookies(refused) == {}


def test_refused_request_bodies_origins_and_paths_leave_the_cookies_alone(client: AuthClient) -> None:
    client.sign_up()
    change_user(client.app, must_change_password=True)
    foreign = {"Origin": "https://evil.example"}
    refused = (
        client.post("/auth/refresh-token", {"refreshToken": 1}),
        client.post("/auth/refresh-token", headers=foreign),
        client.post("/auth/logout", headers=foreign),
        client.post("/auth/login", {"credentials": {"email": "ada@example.test", "password": "wrong"}}),
        client.get("/auth/user"),
        client.get("/auth/refresh-token"),
        client.get("/auth/nowhere"),
    )

    assert [answer.status_code for answer in refused] == [400, 403, 403, 401, 403, 405, 404]
    assert all(set_cookies(answer) == {} for answer in refused)
    assert client.refresh().status_code == 200


def test_too_many_refreshes_leave_the_cookies_alone(app_for: AppFor, transport: str) -> None:
    client = AuthClient(app_for(access_token_type=transport, rate_limit_refresh="1 per hour"), transport)
    client.sign_up()
    client.refresh()

    refused = client.refresh()

    assert_refused(refused, 429, "RATE_LIMITED")
    assert set_cookies(refused) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"cookie_domain": "keyturn.example"},
        {"cookie_same_site": "Strict"},
        {"cookie_same_site": "None"},
        {"cookie_prefix": "host"},
        {"cookie_prefix": "secure", "csrf_double_submit": "true"},
    ],
)
def test_deletion_repeats_the_attributes_of_the_setting(app_for: AppFor, changes: dict[str, str]) -> None:
    client = AuthClient(app_for(access_token_type="cookie", **changes), "cookie")
    client.sign_up()
    set_at_login = set_cookies(client.log_in(rememberMe=False))
    headers = {"X-CSRF-Token": "x"}

    deleted = set_cookies(client.post("/auth/logout", headers=headers))

    assert set(deleted) == set(set_at_login)
    for name, cookie in set_at_login.items():
        attributes = dict(deleted[name].attributes)
        assert attributes.pop("max-age") == "0"
        assert attributes.pop("expires") == "Thu, 01 Jan 1970 00:00:00 GMT"
        assert attributes == cookie.attributes
        assert deleted[name].value == ""


def test_host_prefix_is_set_by_its_rules_and_read_back(app_for: AppFor) -> None:
    client = AuthClient(app_for(access_token_type="cookie", cookie_prefix="host"), "cookie")
    cookies = set_cookies(client.sign_up())

    assert set(cookies) >= PREFIXED
    for name in PREFIXED:
        assert {"secure", "httponly"} <= set(cookies[name].attributes)
        assert cookies[name].attributes["path"] == "/"
        assert "domain" not in cookies[name].attributes
    assert client.get("/auth/me").status_code == 200
    assert client.refresh().status_code == 200
    assert cleared_cookies(client.post("/auth/logout")) >= PREFIXED


def test_every_cookie_of_a_login_has_the_prefix(app_for: AppFor) -> None:
    settings = {"access_token_type": "cookie", "cookie_prefix": "host", "csrf_double_submit": "true"}
    client = AuthClient(app_for(**settings), "cookie")
    client.sign_up()

    cookies = set_cookies(client.log_in(rememberMe=False))

    assert all(name.startswith("__Host-") for name in cookies), set(cookies)
    assert cookies["__Host-nest_auth_remember"].value == "0"
    assert "max-age" not in set_cookies(client.refresh())["__Host-refreshToken"].attributes


def test_unprefixed_cookie_is_a_stranger_where_a_prefix_is_set(app_for: AppFor) -> None:
    client = AuthClient(app_for(access_token_type="cookie", cookie_prefix="host"), "cookie")
    token = set_cookies(client.sign_up())["__Host-accessToken"].value
    tossed = client.app.test_client(use_cookies=False)

    refused = tossed.get("/auth/me", headers={"Cookie": f"accessToken={token}"}, base_url=ORIGIN)

    assert_refused(refused, 401, "NO_AUTH_PROVIDED")


def test_login_ends_the_session_whose_cookies_came_along(client: AuthClient) -> None:
    client.sign_up()
    former = client.current_refresh_token()

    client.log_in()

    assert session_row(client.app, former).revoked_reason == "replaced"
    assert events(client.app, "session:self:ended")[0].details == {"reason": "replaced"}
    assert client.get("/auth/me").status_code == 200


def test_late_refresh_of_the_session_before_a_login_leaves_the_new_cookies(client: AuthClient) -> None:
    client.sign_up()
    before = client.current_refresh_token()
    client.log_in()

    late = client.present(before)

    assert_refused(late, 401, message="Session not found")
    assert set_cookies(late) == {}
    assert session_row(client.app, before).revoked_reason == "replaced"
    assert event_kinds(client.app)[-1] == "session:login:succeeded"


@pytest.mark.parametrize("raise_rights", [_pass_second_factor, _confirm_password])
def test_late_refresh_from_before_a_change_of_rights_leaves_the_cookies_of_after(
    client: AuthClient, clock: FrozenClock, raise_rights: Callable[[AuthClient, FrozenClock], str | None]
) -> None:
    client.sign_up()
    before = raise_rights(client, clock)
    row = session_row(client.app, before)

    late = client.present(before)

    assert_refused(late, 401, "REFRESH_TOKEN_EXPIRED")
    assert set_cookies(late) == {}
    after = session_row(client.app, before)
    assert (after.generation, after.floor_generation, after.revoked_at) == (row.generation, 2, None)
    assert event_kinds(client.app)[-1] == "session:rights:raised"
    assert client.refresh().status_code == 200


def test_signup_ends_the_former_persons_session_too(client: AuthClient) -> None:
    client.sign_up()
    former = client.current_refresh_token()

    client.sign_up("eve@example.test")

    assert session_row(client.app, former).revoked_reason == "replaced"
    assert client.get("/auth/me").get_json()["email"] == "eve@example.test"


@pytest.mark.parametrize("email", ["ada@example.test", "nobody@example.test"])
def test_failed_login_ends_nothing(client: AuthClient, email: str) -> None:
    client.sign_up()

    refused = client.log_in(email, password="wrong password")

    assert_refused(refused, 401, "INVALID_CREDENTIALS")
    assert set_cookies(refused) == {}
    assert client.refresh().status_code == 200


def test_strangers_cookie_at_login_ends_nothing(client: AuthClient) -> None:
    client.sign_up()
    token = client.current_refresh_token() or ""
    other = client.another_device()
    head, _, _ = token.rpartition(".")
    other.hold(refresh_token=f"{head}.{'A' * 43}")

    assert other.log_in().status_code == 200

    assert session_row(client.app, token).revoked_at is None
    assert "session:self:ended" not in event_kinds(client.app)


@pytest.mark.parametrize("extra", [{}, {"csrf_double_submit": "true", "cookie_prefix": "secure"}])
def test_cookies_stay_below_what_browsers_keep_with_the_largest_claims(
    app_for: AppFor, extra: dict[str, str]
) -> None:
    client = AuthClient(app_for(access_token_type="cookie", **extra), "cookie")
    email = f"{'a' * 64}@{'b' * 180}.example"
    client.sign_up(email, phone="+" + "1" * 20, name="\u00e9" * 255)
    accounts = runtime_of(client.app).engine.accounts
    accounts.change(1, {"role": "\U0001f511" * 16})

    cookies = set_cookies(client.log_in(email))

    assert all(cookie.size < LONGEST_COOKIE for cookie in cookies.values())
    assert client.get("/auth/me").status_code in {200, 401}


def test_no_token_leaves_by_another_way_than_its_cookie(client: AuthClient, clock: FrozenClock) -> None:
    answers = [client.sign_up(), client.log_in(), client.refresh()]
    secrets = {set_cookies(answer)[name].value for answer in answers for name in TOKEN_COOKIES}
    reading = [operation for operation in mounted_operations(client.app) if operation.method == "GET"]
    answers += [send(client, operation) for operation in reading]
    answers.append(client.post("/auth/logout"))

    for answer in answers:
        headers = "".join(f"{name}: {value}" for name, value in answer.headers if name != "Set-Cookie")
        said = headers + answer.get_data(as_text=True)
        assert not any(secret in said for secret in secrets)
        assert not any(secret.rpartition(".")[2] in said for secret in secrets)
