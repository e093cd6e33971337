"""Login, profile, verify and the tokens: sections 3, 4 and 8 of the contract."""

from datetime import timedelta
from typing import Any

import jwt
import pytest

from app.primitives.clock import FrozenClock
from tests.clients import ORIGIN, PASSWORD
from tests.conftest import START, AppFor, runtime_of
from tests.contracts.falcon_alert_client import EMAIL, NAME, FalconClient, assert_refused, make_administrator
from tests.http.forging import key_of, one_bit_off, resigned
from tests.http.wire import stored_rows
from tests.rows import claims_of, event_kinds, events

HOUR, WEEK = 3600, 604800
GUARDED = [
    ("GET", "/auth/profile"),
    ("POST", "/auth/verify"),
    ("GET", "/users"),
    ("DELETE", "/users"),
    ("GET", "/users/settings-info"),
]


@pytest.fixture
def client(app_for: AppFor, transport: str) -> FalconClient:
    client = FalconClient(app_for(contracts="falcon_alert", access_token_type=transport), transport)
    client.sign_up()
    return client


def test_login_answers_with_the_same_two_fields_as_refresh(client: FalconClient):
    """[docs] 200 body: the same two fields as refresh"""
    body = client.log_in().get_json()

    assert set(body) == ({"accessToken", "refreshToken"} if client.transport == "header" else set())


@pytest.mark.parametrize(
    ("email", "client_type", "status"),
    [
        (EMAIL, "mobile", 200),
        (EMAIL, "web", 401),
        ("grace@example.test", "web", 200),
        ("grace@example.test", "mobile", 401),
    ],
)
def test_each_role_has_its_kind_of_client(client: FalconClient, email: str, client_type: str, status: int):
    """[docs] type: `web` admits role_id 2, `mobile` admits role_id 1"""
    make_administrator(client.app)
    device = client.another_device()
    before = stored_rows(client.app)

    answer = device.log_in(email, type=client_type)

    assert answer.status_code == status
    if status == 401:
        assert_refused(answer, 401, "Role not allowed for this type of client")
        assert stored_rows(client.app) == before
        assert event_kinds(client.app)[-1] == "session:login:refused"
        assert_refused(device.log_in(email, "wrong password", client_type), 401, "Invalid password")


def test_unknown_address_is_404_and_wrong_password_401(client: FalconClient):
    """[docs] 404 `User not found`: no such email; 401 `Invalid password`: wrong password"""
    before = stored_rows(client.app)
    stranger = client.another_device()

    assert_refused(stranger.log_in("eve@example.test"), 404, "User not found")
    assert_refused(stranger.log_in(password="wrong password"), 401, "Invalid password")

    assert stored_rows(client.app) == before
    assert len(events(client.app, "session:login:failed")) == 2


@pytest.mark.parametrize("email", [EMAIL, "eve@example.test"])
def test_trying_addresses_is_limited(app_for: AppFor, email: str):
    """[assumed] The 404 reveals which addresses exist, so it is rate-limited"""
    app = app_for(contracts="falcon_alert", rate_limit_login="2/minute")
    client = FalconClient(app, "header")
    client.register()

    answers = [client.log_in(email, "wrong password") for _ in range(3)]

    assert_refused(answers[-1], 429)
    assert int(answers[-1].headers["Retry-After"]) >= 1


@pytest.mark.parametrize("email", [EMAIL, "eve@example.test"])
def test_too_many_wrong_passwords_lock_known_and_unknown_addresses(app_for: AppFor, email: str):
    client = FalconClient(app_for(contracts="falcon_alert", login_attempts=1), "header")
    client.register()
    client.log_in(email, "wrong password")

    refused = client.log_in(email)

    assert_refused(refused, 429)
    assert refused.headers["Retry-After"] == "900"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"email": "ada"}, ["email must be an email"]),
        ({"email": None}, ["email must be an email"]),
        ({"password": 12345678}, ["password must be a string"]),
        ({"type": "watch"}, ["type must be one of the following values: web, mobile"]),
        ({"remember": True}, ["property remember should not exist"]),
        ({"email": 1, "type": None}, ["email must be an email", "type must be a string"]),
    ],
)
def test_login_of_another_form_gets_a_list_of_messages(
    client: FalconClient, changes: dict[str, Any], message: list[str]
):
    """[docs] 400 message array for validation, e.g. ["email must be an email"]; unknown fields too"""
    seen = event_kinds(client.app)
    body = {"email": EMAIL, "password": PASSWORD, "type": "mobile", **changes}

    assert_refused(client.post("/auth/login", body), 400, message)
    assert event_kinds(client.app) == seen


@pytest.mark.parametrize("missing", ["email", "password", "type"])
def test_login_needs_all_three_fields(client: FalconClient, missing: str):
    body = {"email": EMAIL, "password": PASSWORD, "type": "mobile"}
    del body[missing]

    refused = client.post("/auth/login", body)

    assert_refused(refused, 400)
    assert [text.split()[0] for text in refused.get_json()["message"]] == [missing]


def test_suspended_person_is_kept_out_with_the_right_password_only(client: FalconClient):
    runtime_of(client.app).engine.accounts.suspend(1)
    device = client.another_device()

    assert_refused(device.log_in(), 401, "Account is not available")
    assert event_kinds(client.app)[-1] == "session:login:refused"
    assert_refused(device.log_in(password="wrong password"), 401, "Invalid password")
    assert_refused(client.use(), 401, "Invalid token")


def test_both_tokens_are_jwt_with_the_documented_header(client: FalconClient):
    """[seed] Both tokens JWT, header {"alg":"HS256","typ":"JWT"}; refreshToken is a string (JWT)"""
    for token in (client.current_access_token(), client.current_refresh_token()):
        assert token is not None
        assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}


def test_access_token_carries_the_documented_claims(client: FalconClient):
    """[seed] Access claims: sub (user id as string), type access, iat, exp, profile {id string, email, name,
    role_id number}; token fields are camelCase, profile and user fields snake_case
    """
    claims = claims_of(client.current_access_token())

    profile = {"id": "1", "email": EMAIL, "name": NAME, "role_id": 1}
    assert {"sub": "1", "type": "access", "profile": profile}.items() <= claims.items()


def test_refresh_token_carries_the_documented_claims(client: FalconClient):
    """[seed] Refresh claims: sub (string), type refresh, iat, exp; not present: jti, iss, aud"""
    claims = claims_of(client.current_refresh_token())

    assert (claims["sub"], claims["type"]) == ("1", "refresh")
    assert set(claims) == {"sub", "type", "iat", "exp", "sid", "gen", "proof"}


def test_access_token_lives_for_an_hour(client: FalconClient, clock: FrozenClock):
    """[seed] Access life 3600 s"""
    token = client.current_access_token()
    claims = claims_of(token)
    assert token is not None
    assert claims["exp"] - claims["iat"] == HOUR

    clock.advance(timedelta(seconds=HOUR))
    client.hold(access_token=token)
    assert_refused(client.use(), 401, "Invalid token")


def test_refresh_token_lives_for_a_week(client: FalconClient, clock: FrozenClock):
    """[seed] Refresh life 604800 s"""
    claims = claims_of(client.current_refresh_token())
    assert claims["exp"] - claims["iat"] == WEEK

    clock.advance(timedelta(seconds=WEEK - 1))
    assert client.refresh().status_code == 200


def test_session_ends_for_good_after_90_days(client: FalconClient, clock: FrozenClock):
    for _ in range(14):
        clock.advance(timedelta(days=6))
        assert client.refresh().status_code == 200
    clock.advance(timedelta(days=5))
    client.refresh()
    assert claims_of(client.current_refresh_token())["exp"] == int((START + timedelta(days=90)).timestamp())


@pytest.mark.parametrize("name", ["ÁDÁ ÉXÁMPLE", "阿达", "Åsa 🦉"])
def test_name_may_hold_any_unicode(client: FalconClient, name: str):
    """[seed] `name` may hold any Unicode"""
    client.put("/users", {"name": name})
    client.refresh()

    assert claims_of(client.current_access_token())["profile"]["name"] == name
    assert client.use().get_json()["profile"]["name"] == name


def test_endless_name_is_cut_in_the_token_so_that_the_token_stays_short(client: FalconClient):
    client.put("/users", {"name": "🦉" * 255})
    client.refresh()

    token = client.current_access_token()
    assert token is not None
    assert len(token) < 3000
    assert client.use().get_json()["profile"]["name"].startswith("🦉" * 80)
    assert client.get("/users").get_json()["name"] == "🦉" * 255


def test_profile_shows_the_token_and_not_the_database(client: FalconClient):
    """[code] GET /auth/profile: {"profile": {...}}, values from the token"""
    client.put("/users", {"name": "Another Name"})
    shown = {"id": "1", "email": EMAIL, "name": NAME, "role_id": 1}

    assert client.use().get_json() == {"profile": shown}
    client.refresh()
    assert client.use().get_json() == {"profile": {**shown, "name": "Another Name"}}


def test_verify_says_that_the_token_is_valid(client: FalconClient):
    """[docs] POST /auth/verify: 200 {"message": "Token is valid"}, no body needed"""
    answer = client.send("POST", "/auth/verify")

    assert (answer.status_code, answer.get_json()) == (200, {"message": "Token is valid"})


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_missing_and_unfit_tokens_get_one_answer(client: FalconClient, method: str, path: str):
    """[docs] 401 `Invalid token` for a missing header, a bad or expired token, or a refresh token"""
    stranger = client.another_device()
    assert_refused(stranger.send(method, path), 401, "Invalid token")

    other_kind = resigned(client.current_access_token(), key_of(client.app), type="refresh")
    for unfit in (
        "garbage",
        client.current_refresh_token(),
        one_bit_off(client.current_access_token()),
        other_kind,
    ):
        assert unfit is not None
        stranger.hold(access_token=unfit)
        assert_refused(stranger.send(method, path), 401, "Invalid token")


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Token", "Basic", ""])
def test_scheme_is_exactly_bearer(app_for: AppFor, scheme: str):
    """[code] 401 `Invalid token` for another scheme than exactly `Bearer`"""
    client = FalconClient(app_for(contracts="falcon_alert"), "header")
    client.sign_up()
    headers = {"Authorization": f"{scheme} {client.access_token}".strip()}

    assert_refused(client.http.get("/auth/profile", headers=headers, base_url=ORIGIN), 401, "Invalid token")
    assert client.use().status_code == 200
