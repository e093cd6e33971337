"""Tokens, validate and me: sections 7 and 8 of the contract."""

from datetime import timedelta
from uuid import UUID

import jwt
import pytest

from app.primitives.clock import FrozenClock
from app.primitives.keyring import Purpose
from tests.conftest import START, AppFor, runtime_of
from tests.contracts.regardingwork_hub_client import BASE, EMAIL, USERNAME, HubClient, assert_refused
from tests.http.forging import key_of, one_bit_off, resigned
from tests.rows import claims_of, session_row

DAY = 86400


@pytest.fixture
def client(app_for: AppFor, transport: str) -> HubClient:
    client = HubClient(app_for(contracts="regardingwork_hub", access_token_type=transport), transport)
    client.sign_up()
    return client


def test_both_tokens_are_jwt_with_the_documented_header(client: HubClient):
    """[seed] Both tokens are JWT with header {"alg":"HS256","typ":"JWT"}; refresh_token is a string (JWT)"""
    for token in (client.current_access_token(), client.current_refresh_token()):
        assert token is not None
        assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}


def test_access_token_carries_the_documented_claims(client: HubClient):
    """[docs] Access claims: user_id (integer), username, email, iat, exp, jti (UUID v4), type access"""
    claims = claims_of(client.current_access_token())

    documented = {"user_id": 1, "username": USERNAME, "email": EMAIL, "type": "access"}
    assert documented.items() <= claims.items()
    assert type(claims["user_id"]) is int
    assert UUID(claims["jti"]).version == 4


def test_refresh_token_carries_minimal_claims_and_its_own_id(client: HubClient):
    """[seed] Claims of the seed's examples are not shown: user_id, iat, exp, jti, type refresh, and ours"""
    first = claims_of(client.current_refresh_token())
    client.refresh()
    second = claims_of(client.current_refresh_token())

    assert set(first) == {"user_id", "iat", "exp", "jti", "type", "sid", "gen", "proof"}
    assert (first["user_id"], first["type"]) == (1, "refresh")
    assert first["jti"] != second["jti"]


def test_access_token_lives_for_24_hours(client: HubClient, clock: FrozenClock):
    """[seed] Access life 24 hours: exp - iat = 86400"""
    claims = claims_of(client.current_access_token())
    assert claims["exp"] - claims["iat"] == DAY

    clock.advance(timedelta(seconds=DAY - 1))
    assert client.use().status_code == 200


def test_refresh_token_says_that_it_lives_for_30_days(client: HubClient):
    """[seed] Refresh life 30 days"""
    claims = claims_of(client.current_refresh_token())
    assert claims["exp"] - claims["iat"] == 30 * DAY


def test_session_ends_for_good_after_90_days(client: HubClient, clock: FrozenClock):
    for _ in range(4):
        clock.advance(timedelta(days=22))
        assert client.refresh().status_code == 200
    assert claims_of(client.current_refresh_token())["exp"] == int((START + timedelta(days=90)).timestamp())
    clock.advance(timedelta(days=2))

    assert_refused(client.refresh(), 401, "Invalid or expired refresh token")


def test_answers_do_not_say_when_tokens_expire(client: HubClient):
    """[seed] No expires_in, no token_type on refresh or login; clients learn expiry from a 401"""
    for answer in (client.refresh(), client.log_in()):
        assert not {"expires_in", "token_type"} & set(answer.get_json())


def test_expired_access_token_is_401_everywhere_and_a_refresh_mends_it(client: HubClient, clock: FrozenClock):
    """[seed] On 401 from any call refresh once and retry: an expired access token must be 401 everywhere"""
    token = client.current_access_token()
    assert token is not None
    clock.advance(timedelta(seconds=DAY))
    client.hold(access_token=token)

    assert_refused(client.use(), 401, "Token has expired")
    assert_refused(client.get(f"{BASE}/validate"), 401, "Token has expired")
    assert_refused(client.post(f"{BASE}/validate"), 401, "Token has expired")
    assert_refused(client.log_out(), 401, "Invalid or expired token")
    assert client.refresh().status_code == 200
    assert client.use().status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_validate_says_whose_token_it_is_and_until_when(client: HubClient, method: str):
    """[docs] GET or POST validate: valid, user, token_type, expires_at; id, username, email at top level"""
    token = client.current_access_token()

    answer = client.get(f"{BASE}/validate") if method == "GET" else client.post(f"{BASE}/validate")

    user = client.use().get_json()["user"]
    assert answer.get_json() == {
        "valid": True,
        "user": user,
        "token_type": "access",
        "expires_at": claims_of(token)["exp"],
        "id": 1,
        "username": USERNAME,
        "email": EMAIL,
    }


def test_me_shows_the_whole_person_under_user(client: HubClient):
    """[docs] GET me: 200 {"user": {...}}"""
    body = client.use().get_json()

    assert set(body) == {"user"}
    assert len(body["user"]) == 13
    assert (body["user"]["email"], body["user"]["email_verified"], body["user"]["is_premium"]) == (
        EMAIL,
        False,
        False,
    )


def test_premium_person_is_shown_as_one(client: HubClient):
    runtime_of(client.app).engine.accounts.change(1, {"premium_tier": "BASIC"})

    user = client.use().get_json()["user"]

    assert (user["premium_tier"], user["is_premium"]) == ("BASIC", True)


@pytest.mark.parametrize("path", [f"{BASE}/me", f"{BASE}/validate"])
def test_missing_and_unfit_access_tokens_get_the_documented_texts(client: HubClient, path: str):
    """[docs] 401 `Authorization header required`, `Invalid token: Not enough segments`, a refresh token"""
    stranger = client.another_device()
    assert_refused(stranger.get(path), 401, "Authorization header required")

    stranger.hold(access_token="garbage")
    assert_refused(stranger.get(path), 401, "Invalid token: Not enough segments")

    expired_kind = resigned(client.current_access_token(), key_of(client.app), type="refresh")
    for unfit in (client.current_refresh_token(), one_bit_off(client.current_access_token()), expired_kind):
        assert unfit is not None
        stranger.hold(access_token=unfit)
        refused = stranger.get(path)
        assert_refused(refused, 401)
        assert refused.get_json()["error"].startswith("Invalid token: ")


def test_envelope_that_only_the_signing_key_made_is_refused(client: HubClient):
    token = client.current_refresh_token()
    forged = resigned(token, key_of(client.app, Purpose.REFRESH_TOKEN_ENVELOPE), proof="A" * 43)

    assert_refused(client.present(forged), 401, "Invalid or expired refresh token")
    assert session_row(client.app, token).revoked_at is None
