"""oauth2: looking at tokens, which leaves no trace (RFC 7662)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete

from app.engine.engine import Engine
from app.extensions import db
from app.http.runtime import Runtime
from app.models import Session
from app.primitives.clock import FrozenClock
from tests.conftest import START, AppFor, on_every_database, runtime_of
from tests.contracts.oauth2_client import CONFIDENTIAL, EMAIL, OAuth2Client
from tests.http.wire import stored_rows
from tests.rows import change_user, claims_of, event_kinds, session_row

INACTIVE = {"active": False}
DAY = timedelta(days=1)


@pytest.fixture
def device(app_for: AppFor) -> OAuth2Client:
    made = OAuth2Client(app_for(contracts="oauth2,nest_auth"), "header")
    made.log_in()
    return made


def _person_id(device: OAuth2Client) -> int:
    return session_row(device.app, device.access_token).user_id


@on_every_database
def test_live_access_token_is_described(device: OAuth2Client) -> None:
    """[docs] RFC 7662 2.2: active, client_id, username, token_type, exp, iat, sub, aud, iss, jti."""
    claims = claims_of(device.access_token)
    assert device.introspect(device.access_token).get_json() == {
        "active": True,
        "token_type": "Bearer",
        "client_id": "app",
        "username": "ada",
        **{name: claims[name] for name in ("sub", "sid", "iss", "aud", "jti", "iat", "exp")},
    }


@on_every_database
def test_live_refresh_token_is_described_as_what_it_is(device: OAuth2Client) -> None:
    claims = claims_of(device.access_token)
    assert device.introspect(device.refresh_token).get_json() == {
        "active": True,
        "token_type": "refresh_token",
        "client_id": "app",
        "username": "ada",
        **{name: claims[name] for name in ("sub", "sid", "iss")},
        "iat": START.timestamp(),
        "exp": (START + 30 * DAY).timestamp(),
    }


def test_person_without_a_user_name_is_named_by_address(device: OAuth2Client) -> None:
    change_user(device.app, username=None)
    assert device.introspect(device.access_token).get_json()["username"] == EMAIL


def test_confidential_application_may_look_by_body_too(device: OAuth2Client) -> None:
    form = {"token": device.access_token, "client_id": CONFIDENTIAL, "client_secret": device.secret}
    assert device.post_plain("/oauth/introspect", form).get_json()["active"] is True


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense"])
def test_wrong_hint_is_tolerated(device: OAuth2Client, hint: str) -> None:
    for token in (device.access_token, device.refresh_token):
        assert device.introspect(token, token_type_hint=hint).get_json()["active"] is True


def _log_out(device: OAuth2Client, _engine: Engine, _clock: FrozenClock) -> None:
    device.log_out()


def _suspend(device: OAuth2Client, engine: Engine, _clock: FrozenClock) -> None:
    engine.accounts.suspend(_person_id(device))
    engine.accounts.reinstate(_person_id(device))


def _suspend_past_the_engine(device: OAuth2Client, _engine: Engine, _clock: FrozenClock) -> None:
    change_user(device.app, status="suspended")


def _delete(device: OAuth2Client, engine: Engine, _clock: FrozenClock) -> None:
    engine.accounts.delete(_person_id(device))


def _change_password(device: OAuth2Client, engine: Engine, _clock: FrozenClock) -> None:
    engine.credentials.set_password(_person_id(device), "another battery horse")


def _demand_another_password(device: OAuth2Client, _engine: Engine, _clock: FrozenClock) -> None:
    change_user(device.app, must_change_password=True)


def _sweep(device: OAuth2Client, _engine: Engine, _clock: FrozenClock) -> None:
    with device.app.app_context():
        db.session.execute(delete(Session))
        db.session.commit()


def _expire(_device: OAuth2Client, _engine: Engine, clock: FrozenClock) -> None:
    clock.advance(31 * DAY)


ENDINGS = [
    _log_out,
    _suspend,
    _suspend_past_the_engine,
    _delete,
    _change_password,
    _demand_another_password,
    _expire,
    _sweep,
]


@pytest.mark.parametrize("ending", ENDINGS)
def test_token_that_is_not_live_is_only_inactive(
    device: OAuth2Client, clock: FrozenClock, ending: Callable[[OAuth2Client, Engine, FrozenClock], None]
) -> None:
    """[docs] RFC 7662 2.2: nothing but active: false."""
    ending(device, runtime_of(device.app).engine, clock)
    for token in (device.access_token, device.refresh_token):
        answer = device.introspect(token)
        assert (answer.status_code, answer.get_json()) == (200, INACTIVE)


@pytest.mark.parametrize("token", ["x", "kt1_" + "A" * 88, "a.b.c", "é", "x" * 20000])
def test_what_is_no_token_is_only_inactive(device: OAuth2Client, token: str) -> None:
    answer = device.introspect(token)
    assert (answer.status_code, answer.get_json()) == (200, INACTIVE)


def test_access_token_is_inactive_from_its_end_on(device: OAuth2Client, clock: FrozenClock) -> None:
    clock.advance(timedelta(seconds=3599))
    assert device.introspect(device.access_token).get_json()["active"] is True
    clock.advance(timedelta(seconds=1))
    assert device.introspect(device.access_token).get_json() == INACTIVE


def test_superseded_refresh_token_is_inactive_and_its_access_token_is_not(device: OAuth2Client) -> None:
    access_token, refresh_token = device.access_token, device.refresh_token
    device.refresh()
    assert device.introspect(refresh_token).get_json() == INACTIVE
    assert device.introspect(access_token).get_json()["active"] is True
    assert device.introspect(device.refresh_token).get_json()["active"] is True


def test_token_of_another_contract_is_inactive(device: OAuth2Client) -> None:
    runtime: Runtime = runtime_of(device.app)
    signed_up = device.http.post(
        "/auth/signup", json={"email": "bob@example.test", "password": "correct horse battery"}
    ).get_json()
    assert runtime.mounts.keys() == {"oauth2", "nest_auth"}
    for token in (signed_up["accessToken"], signed_up["refreshToken"]):
        assert device.introspect(token).get_json() == INACTIVE


def test_looking_changes_nothing(device: OAuth2Client, clock: FrozenClock) -> None:
    first = device.refresh_token
    device.refresh()
    clock.advance(timedelta(minutes=5))
    before, seen = stored_rows(device.app), event_kinds(device.app)

    for token in (first, device.refresh_token, device.access_token):
        device.introspect(token)

    assert (stored_rows(device.app), event_kinds(device.app)) == (before, seen)
    assert device.refresh().status_code == 200


def test_token_is_required(device: OAuth2Client) -> None:
    refused = device.introspect(None)
    assert (refused.status_code, refused.get_json()["error_description"]) == (400, "token is required")
