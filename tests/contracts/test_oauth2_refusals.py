"""oauth2: what the token endpoint refuses, and that every refusal of a grant looks the same."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.engine.client import Client
from app.engine.engine import Engine
from app.engine.errors import InvalidClient
from app.engine.identifiers import Identifier, IdentifierKind
from app.primitives.clock import FrozenClock
from tests.clients import ORIGIN, PASSWORD
from tests.conftest import AppFor, on_every_database, runtime_of
from tests.contracts.oauth2_client import (
    CONFIDENTIAL,
    EMAIL,
    INVALID_CLIENT,
    INVALID_GRANT,
    PUBLIC,
    OAuth2Client,
)
from tests.http.wire import cleared_cookies, set_cookies, stored_rows
from tests.rows import change_user, event_kinds, events, session_row

FORM = "application/x-www-form-urlencoded"
LATER = timedelta(seconds=31)


@pytest.fixture
def device(app_for: AppFor, transport: str) -> OAuth2Client:
    return OAuth2Client(app_for(contracts="oauth2", access_token_type=transport), transport)


@pytest.fixture
def header_device(app_for: AppFor) -> OAuth2Client:
    return OAuth2Client(app_for(contracts="oauth2"), "header")


def _person_id(device: OAuth2Client) -> int:
    return session_row(device.app, device.current_access_token()).user_id


def _end(device: OAuth2Client, engine: Engine, _clock: FrozenClock) -> None:
    engine.sessions.end_all(_person_id(device), None)


def _suspend(device: OAuth2Client, engine: Engine, _clock: FrozenClock) -> None:
    engine.accounts.suspend(_person_id(device))


def _delete(device: OAuth2Client, engine: Engine, _clock: FrozenClock) -> None:
    engine.accounts.delete(_person_id(device))


def _expire(_device: OAuth2Client, _engine: Engine, clock: FrozenClock) -> None:
    clock.advance(timedelta(days=31))


def _reuse(device: OAuth2Client, _engine: Engine, clock: FrozenClock) -> None:
    first = device.current_refresh_token()
    device.refresh()
    clock.advance(LATER)
    assert device.present(first).get_json() == INVALID_GRANT


@pytest.mark.parametrize("ending", [_end, _suspend, _delete, _expire, _reuse])
def test_every_dead_refresh_token_gets_one_answer(
    device: OAuth2Client, clock: FrozenClock, ending: Callable[[OAuth2Client, Engine, FrozenClock], None]
) -> None:
    """[docs] RFC 6749 5.2: invalid, expired, revoked: 400 invalid_grant."""
    device.log_in()
    ending(device, runtime_of(device.app).engine, clock)

    refused = device.refresh()

    assert (refused.status_code, refused.get_json()) == (400, INVALID_GRANT)
    if device.transport == "cookie":
        assert {"oauth2_access", "oauth2_refresh"} <= cleared_cookies(refused)


@pytest.mark.parametrize("token", ["x", "kt1_" + "A" * 88, "kt1_", "é", "a.b.c", "x" * 5000, "kt1_\n"])
def test_stranger_s_refresh_token_gets_the_same_answer(header_device: OAuth2Client, token: str) -> None:
    refused = header_device.present(token)
    assert (refused.status_code, refused.get_json()) == (400, INVALID_GRANT)


def test_reuse_ends_the_session_and_is_recorded(device: OAuth2Client, clock: FrozenClock) -> None:
    device.log_in()
    _reuse(device, runtime_of(device.app).engine, clock)

    assert session_row(device.app, device.current_access_token()).revoked_reason == "reuse"
    assert event_kinds(device.app).count("session:refresh:reused") == 1
    assert device.use().get_json() == {"active": False}


@pytest.mark.parametrize(("owner", "stranger"), [(PUBLIC, CONFIDENTIAL), (CONFIDENTIAL, PUBLIC)])
def test_refresh_token_of_another_application_is_refused_and_nothing_changes(
    device: OAuth2Client, clock: FrozenClock, owner: str, stranger: str
) -> None:
    """[docs] RFC 6749 5.2: a refresh token that was issued to another client is invalid_grant."""
    holder, thief = device.another_device(owner), device.another_device(stranger)
    holder.log_in()
    superseded = holder.current_refresh_token()
    holder.refresh()
    clock.advance(LATER)
    before, seen = stored_rows(device.app), event_kinds(device.app)

    for token in (superseded, holder.current_refresh_token()):
        refused = thief.present(token)
        assert (refused.status_code, refused.get_json()) == (400, INVALID_GRANT)

    assert (stored_rows(device.app), event_kinds(device.app)) == (before, seen)
    assert holder.refresh().status_code == 200


def test_access_token_is_no_refresh_token(header_device: OAuth2Client) -> None:
    header_device.log_in()
    refused = header_device.present(header_device.access_token)
    assert (refused.status_code, refused.get_json()) == (400, INVALID_GRANT)


def test_second_factor_that_is_due_opens_nothing_and_is_named_to_whoever_knows_the_password(
    device: OAuth2Client,
) -> None:
    """[docs] RFC 6749 5.2: error_description helps the developer to understand the error."""
    change_user(device.app, mfa_enabled=True)
    before, seen = stored_rows(device.app), event_kinds(device.app)

    refused = device.log_in()
    assert refused.status_code == 400
    assert refused.get_json() == {
        "error": "invalid_grant",
        "error_description": "A second factor is due, which the password grant cannot prove",
    }
    assert set_cookies(refused) == {}
    assert (stored_rows(device.app), event_kinds(device.app)) == (before, [*seen, "session:login:refused"])
    assert device.log_in(password="wrong").get_json() == INVALID_GRANT


@pytest.mark.parametrize(
    ("username", "password"), [(EMAIL, "wrong"), ("nobody@example.test", "wrong"), ("nobody", "wrong")]
)
def test_wrong_password_and_unknown_person_get_one_answer(
    device: OAuth2Client, username: str, password: str
) -> None:
    """[docs] RFC 6749 5.2: invalid resource owner credentials are invalid_grant."""
    refused = device.log_in(username, password)

    assert (refused.status_code, refused.get_json()) == (400, INVALID_GRANT)
    assert "WWW-Authenticate" not in refused.headers
    assert event_kinds(device.app)[-1] == "session:login:failed"
    assert device.current_access_token() is None


def test_suspended_person_cannot_log_in(device: OAuth2Client) -> None:
    device.log_in()
    runtime_of(device.app).engine.accounts.suspend(_person_id(device))

    refused = device.another_device().log_in()

    assert (refused.status_code, refused.get_json()) == (400, INVALID_GRANT)


def test_locked_person_is_told_to_try_later(header_device: OAuth2Client) -> None:
    for _ in range(20):
        refused = header_device.log_in(password="wrong")

    assert (refused.status_code, refused.get_json()["error"]) == (429, "temporarily_unavailable")
    assert int(refused.headers["Retry-After"]) > 0
    assert events(header_device.app, "session:login:locked")


@pytest.mark.parametrize(("grant", "setting"), [("password", "login"), ("refresh_token", "refresh")])
def test_each_grant_has_its_own_limit(app_for: AppFor, grant: str, setting: str) -> None:
    device = OAuth2Client(app_for(contracts="oauth2", **{f"rate_limit_{setting}": "2 per minute"}), "header")
    form = {"grant_type": grant, "username": "nobody", "password": "wrong", "refresh_token": "x"}
    assert [device.post("/oauth/token", form).status_code for _ in range(3)] == [400, 400, 429]

    other = {"password": "refresh_token", "refresh_token": "password"}[grant]
    assert device.post("/oauth/token", {**form, "grant_type": other}).status_code == 400


@pytest.mark.parametrize("grant", ["authorization_code", "client_credentials", "PASSWORD", "é"])
def test_unknown_grant_type_is_unsupported(header_device: OAuth2Client, grant: str) -> None:
    """[docs] RFC 6749 5.2: unsupported_grant_type."""
    refused = header_device.post("/oauth/token", {"grant_type": grant})
    assert (refused.status_code, refused.get_json()["error"]) == (400, "unsupported_grant_type")


@pytest.mark.parametrize("grant", ["password", "refresh_token"])
def test_scope_is_refused_because_none_is_granted(header_device: OAuth2Client, grant: str) -> None:
    """[docs] RFC 6749 5.2: a scope that cannot be granted is invalid_scope."""
    header_device.log_in()
    form = {"grant_type": grant, "refresh_token": header_device.refresh_token, "scope": "read"}
    refused = header_device.post("/oauth/token", form)
    assert (refused.status_code, refused.get_json()["error"]) == (400, "invalid_scope")
    assert header_device.refresh().status_code == 200


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("", "grant_type is required"),
        ("grant_type=", "grant_type is required"),
        ("grant_type=refresh_token&client_id=app", "refresh_token is required"),
        ("grant_type=refresh_token&refresh_token=&client_id=app", "refresh_token is required"),
        ("grant_type=password&client_id=app", "username is required"),
        ("grant_type=password&client_id=app&username=ada", "password is required"),
        ("grant_type=password&grant_type=password", "a parameter is given more than once"),
        ("grant_type=password&x=1&x=2", "a parameter is given more than once"),
        ("grant_type=password&x=&x=", "a parameter is given more than once"),
        ("grant_type=pass%00word", "the body holds characters that are not allowed"),
        ("grant_type=password&%00=1", "the body holds characters that are not allowed"),
        ("grant_type=%ff", "the body is not a valid form"),
        ("grant_type=%ed%a0%80", "the body is not a valid form"),
        ("grant_type=%zz", "the body is not a valid form"),
        ("grant_type=%4", "the body is not a valid form"),
        (b"grant_type=\xff", "the body is not a valid form"),
        ("&".join(f"a{number}=1" for number in range(65)), "the body is not a valid form"),
    ],
)
def test_what_is_no_proper_form_is_an_invalid_request(
    header_device: OAuth2Client, form: str | bytes, text: str
) -> None:
    """[docs] RFC 6749 5.2: a missing or repeated parameter is invalid_request."""
    refused = header_device.post_plain("/oauth/token", form)
    assert refused.status_code == 400
    assert refused.get_json() == {"error": "invalid_request", "error_description": text}


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data", "text/plain", ""])
def test_body_that_is_no_form_is_refused_by_its_type(header_device: OAuth2Client, content_type: str) -> None:
    form = "grant_type=password&client_id=app"
    refused = header_device.http.post("/oauth/token", data=form, content_type=content_type, base_url=ORIGIN)
    assert (refused.status_code, refused.get_json()["error"]) == (415, "invalid_request")


def test_extra_parameters_and_a_charset_are_ignored(header_device: OAuth2Client) -> None:
    """[docs] RFC 6749 3.2: unrecognized parameters are ignored."""
    form = f"grant_type=password&username={EMAIL}&password=correct+horse%20battery&client_id=app&audience=x"
    answer = header_device.http.post(
        "/oauth/token", data=form, content_type=f"{FORM};charset=UTF-8", base_url=ORIGIN
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(("method", "path"), [("GET", "/oauth/token"), ("POST", "/oauth/nothing")])
def test_unknown_routes_and_methods_have_the_same_error_body(
    header_device: OAuth2Client, method: str, path: str
) -> None:
    refused = header_device.http.open(path, method=method, base_url=ORIGIN)
    assert refused.status_code in {404, 405}
    assert refused.get_json()["error"] == "invalid_request"


@on_every_database
def test_application_that_goes_while_a_login_is_under_way_opens_nothing(header_device: OAuth2Client) -> None:
    found = runtime_of(header_device.app)
    caller = Client(ip_address="192.0.2.7", user_agent=None, client_id=PUBLIC)
    person = Identifier.of(IdentifierKind.EMAIL, EMAIL)
    proof = found.engine.credentials.prove_password(person, PASSWORD, caller, found.engine.login_rule)
    found.engine.oauth_clients.delete(PUBLIC)
    before = stored_rows(header_device.app)

    with pytest.raises(InvalidClient):
        found.engine.sessions.open(proof, found.mounts["oauth2"].policy, caller)

    assert stored_rows(header_device.app) == before


@on_every_database
def test_removing_an_application_ends_its_sessions_and_no_others(header_device: OAuth2Client) -> None:
    web = header_device.another_device(CONFIDENTIAL)
    header_device.log_in()
    web.log_in()

    assert runtime_of(header_device.app).engine.oauth_clients.delete(PUBLIC) == 1

    assert session_row(header_device.app, header_device.access_token).revoked_reason == "administrator"
    assert header_device.use().get_json() == {"active": False}
    assert header_device.refresh().get_json() == INVALID_CLIENT
    assert web.refresh().status_code == 200
    assert events(header_device.app, "client:self:deleted")[0].details == {"client_id": PUBLIC, "count": 1}
