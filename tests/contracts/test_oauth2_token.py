"""oauth2: the token endpoint and what it hands out (RFC 6749 sections 4.3, 5.1 and 6)."""

import re
from datetime import timedelta

import pytest

from app.engine.organizations import Organizations
from app.primitives.clock import FrozenClock
from tests.conftest import START, AppFor, on_every_database, runtime_of
from tests.contracts.oauth2_client import CONFIDENTIAL, EMAIL, OAuth2Client
from tests.http.wire import set_cookies
from tests.rows import claims_of, event_kinds, session_row

TOKENS = {"access_token", "refresh_token"}


@pytest.fixture
def device(app_for: AppFor, transport: str) -> OAuth2Client:
    return OAuth2Client(app_for(contracts="oauth2", access_token_type=transport), transport)


@pytest.fixture
def header_device(app_for: AppFor) -> OAuth2Client:
    return OAuth2Client(app_for(contracts="oauth2"), "header")


@on_every_database
@pytest.mark.parametrize("verb", ["log_in", "refresh"])
def test_both_grants_answer_with_the_documented_body(device: OAuth2Client, verb: str) -> None:
    """[docs] RFC 6749 5.1: access_token, token_type, expires_in, refresh_token."""
    device.log_in()
    answer = getattr(device, verb)()

    body = answer.get_json()
    assert answer.status_code == 200
    assert set(body) & TOKENS == (TOKENS if device.transport == "header" else set())
    assert (body["token_type"], body["expires_in"], len(set(body) - TOKENS)) == ("Bearer", 3600, 2)


@pytest.mark.parametrize("verb", ["log_in", "refresh", "log_out"])
def test_no_answer_with_tokens_is_cached(device: OAuth2Client, verb: str) -> None:
    """[docs] RFC 6749 5.1: Cache-Control: no-store and Pragma: no-cache."""
    device.log_in()
    answer = getattr(device, verb)()
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")


def test_no_refusal_is_cached(header_device: OAuth2Client) -> None:
    refused = header_device.present("kt1_nonsense")
    assert refused.status_code == 400
    assert (refused.headers["Cache-Control"], refused.headers["Pragma"]) == ("no-store", "no-cache")


def test_cookies_have_names_of_their_own_and_take_the_tokens_out_of_the_body(app_for: AppFor) -> None:
    device = OAuth2Client(app_for(contracts="oauth2", access_token_type="cookie"), "cookie")
    cookies = set_cookies(device.log_in())

    assert {"oauth2_access", "oauth2_refresh"} <= set(cookies)
    assert all("httponly" in cookies[name].attributes for name in ("oauth2_access", "oauth2_refresh"))


def test_refresh_token_is_opaque_and_the_access_token_a_jwt(device: OAuth2Client) -> None:
    """[docs] RFC 9068 2.2: iss, exp, aud, sub, client_id, iat, jti."""
    device.log_in()

    assert re.fullmatch(r"kt1_[A-Za-z0-9_-]{88}", device.current_refresh_token() or "")
    claims = claims_of(device.current_access_token())
    assert (claims["client_id"], claims["iss"], claims["aud"]) == (
        "app",
        "https://keyturn.example",
        "keyturn:oauth2",
    )
    assert (claims["iat"], claims["exp"]) == (START.timestamp(), START.timestamp() + 3600)
    assert {"sub", "jti", "sid", "gen", "amr", "auth_time"} <= set(claims)
    assert not {"email", "username", "name", "scope"} & set(claims)


def test_refresh_rotates_and_keeps_the_session(device: OAuth2Client) -> None:
    device.log_in()
    first, session = device.current_refresh_token(), claims_of(device.current_access_token())["sid"]

    device.refresh()

    assert device.current_refresh_token() != first
    assert claims_of(device.current_access_token())["sid"] == session
    assert session_row(device.app, device.current_access_token()).generation == 2


def test_session_remembers_its_application_and_contract(device: OAuth2Client) -> None:
    device.log_in()
    row = session_row(device.app, device.current_access_token())
    assert (row.contract, row.client_id, row.transport) == ("oauth2", "app", device.transport)


def test_person_may_log_in_by_user_name(header_device: OAuth2Client) -> None:
    assert header_device.log_in("ada").status_code == 200


def test_confidential_application_may_use_both_grants(device: OAuth2Client) -> None:
    web = device.another_device(CONFIDENTIAL)
    assert web.log_in().status_code == 200
    assert web.refresh().status_code == 200


def test_expires_in_is_true_at_the_end_of_the_session(app_for: AppFor, clock: FrozenClock) -> None:
    """[docs] RFC 6749 5.1: expires_in is the lifetime of the access token."""
    app = app_for(contracts="oauth2", session_absolute_seconds=5000)
    device = OAuth2Client(app, "header")
    device.log_in()
    clock.advance(timedelta(seconds=4000))

    body = device.refresh().get_json()

    assert body["expires_in"] == 1000
    assert claims_of(body["access_token"])["exp"] == START.timestamp() + 5000


def test_body_token_is_honoured_in_cookie_mode_so_that_a_client_can_migrate(app_for: AppFor) -> None:
    app = app_for(contracts="oauth2", access_token_type="client")
    device = OAuth2Client(app, "header")
    device.log_in()

    form = {"grant_type": "refresh_token", "client_id": "app", "refresh_token": device.refresh_token}
    moved = device.post_plain("/oauth/token", form, {"X-Access-Token-Type": "cookie"})

    assert not TOKENS & set(moved.get_json())
    assert "oauth2_refresh" in set_cookies(moved)


def test_cookie_bearing_request_from_another_site_is_refused(app_for: AppFor) -> None:
    device = OAuth2Client(app_for(contracts="oauth2", access_token_type="cookie"), "cookie")
    device.log_in()
    form = {"grant_type": "refresh_token", "client_id": "app"}

    refused = device.post_plain("/oauth/token", form, {"Origin": "https://evil.example"})

    assert (refused.status_code, refused.get_json()["error"]) == (403, "access_denied")
    assert set_cookies(refused) == {}


def test_repeat_within_grace_gives_the_same_successor(header_device: OAuth2Client) -> None:
    header_device.log_in()
    first = header_device.refresh_token
    header_device.refresh()
    assert header_device.present(first).get_json()["refresh_token"] == header_device.refresh_token


def test_recovery_is_off_because_use_cannot_be_seen(header_device: OAuth2Client, clock: FrozenClock) -> None:
    header_device.log_in()
    first = header_device.refresh_token
    header_device.refresh()
    clock.advance(timedelta(seconds=31))

    assert header_device.present(first).status_code == 400
    assert "session:refresh:reused" in event_kinds(header_device.app)


def test_organization_of_the_person_is_the_session_s(header_device: OAuth2Client) -> None:
    engine = runtime_of(header_device.app).engine
    organizations: Organizations = engine.organizations
    organizations.create(slug="acme", name="Acme")
    header_device.log_in()
    user_id = session_row(header_device.app, header_device.access_token).user_id
    organizations.add_member("acme", user_id)

    header_device.log_in(EMAIL)
    row = session_row(header_device.app, header_device.access_token)
    assert row.organization_id == organizations.find("acme").id
