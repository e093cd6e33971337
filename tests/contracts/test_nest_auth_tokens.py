"""What is in the tokens and how long they live: section 11 of the contract."""

from datetime import timedelta

import jwt
import pytest

from app.primitives.clock import FrozenClock
from tests.clients import AuthClient
from tests.conftest import START
from tests.rows import claims_of, session_row

IDENTITY = {"id", "sub", "userId", "sessionId", "sid", "gen", "type", "iat", "exp"}
ACCESS = {
    *IDENTITY,
    "jti",
    "email",
    "roles",
    "isMfaEnabled",
    "isMfaVerified",
    "iss",
    "aud",
    "auth_time",
    "amr",
}
REFRESH = {*IDENTITY, "proof"}
HOUR = timedelta(hours=1)


def test_both_tokens_carry_the_documented_header_and_nothing_else(client: AuthClient) -> None:
    """[seed] Both tokens JWT, header {"alg":"HS256","typ":"JWT"}"""
    client.sign_up()

    for token in (client.current_access_token(), client.current_refresh_token()):
        assert jwt.get_unverified_header(token or "") == {"alg": "HS256", "typ": "JWT"}


def test_access_token_claims_are_the_documented_ones(client: AuthClient) -> None:
    """[seed] Access: userId (string), iat, exp"""
    client.sign_up()
    claims = claims_of(client.current_access_token())
    user_id = client.get("/auth/me").get_json()["id"]

    assert set(claims) == ACCESS
    assert claims["type"] == "access"
    assert claims["id"] == claims["sub"] == claims["userId"] == user_id
    assert claims["sessionId"] == claims["sid"]
    assert claims["email"] == "ada@example.test"
    assert claims["roles"] == [{"id": "USER", "name": "USER", "guard": "web"}]
    assert (claims["isMfaEnabled"], claims["isMfaVerified"], claims["amr"]) == (False, True, ["pwd"])


def test_refresh_token_says_whose_it_is_and_nothing_personal(client: AuthClient) -> None:
    """[seed] Refresh: userId, type refresh, iat"""
    client.sign_up()
    claims, access = claims_of(client.current_refresh_token()), claims_of(client.current_access_token())

    assert set(claims) == REFRESH
    assert claims["type"] == "refresh"
    for name in ("id", "sub", "userId", "sessionId"):
        assert claims[name] == access[name]


def test_phone_is_a_claim_when_there_is_one_and_missing_email_is_left_out(client: AuthClient) -> None:
    client.post("/auth/signup", {"phone": "+31612345678", "password": "correct horse battery"})
    credentials = {"phone": "+31612345678", "password": "correct horse battery"}
    answer = client.post("/auth/login", {"providerName": "phone", "credentials": credentials})
    token = client.current_access_token() or answer.get_json()["accessToken"]

    assert claims_of(token)["phone"] == "+31612345678"
    assert "email" not in claims_of(token)


def test_access_lives_an_hour_and_refresh_thirty_days(client: AuthClient) -> None:
    client.sign_up()
    access, refresh = claims_of(client.current_access_token()), claims_of(client.current_refresh_token())

    assert access["iat"] == refresh["iat"] == START.timestamp()
    assert access["exp"] - access["iat"] == 3600
    assert refresh["exp"] - refresh["iat"] == 30 * 86_400


def test_rotation_slides_the_inactivity_end_and_never_the_absolute_one(
    client: AuthClient, clock: FrozenClock
) -> None:
    client.sign_up()
    end = int((START + timedelta(days=90)).timestamp())
    for _ in range(4):
        clock.advance(timedelta(days=20))
        assert client.refresh().status_code == 200
        assert claims_of(client.current_refresh_token())["exp"] <= end

    clock.advance(timedelta(days=10) - timedelta(minutes=10))
    assert client.refresh().status_code == 200
    assert claims_of(client.current_access_token())["exp"] == end
    clock.advance(timedelta(minutes=10))
    assert client.get("/auth/me").status_code == 401
    assert client.refresh().status_code == 401


@pytest.mark.parametrize(("late", "status"), [(timedelta(0), 401), (timedelta(microseconds=-1), 200)])
def test_refresh_token_ends_at_the_very_moment_its_claim_says(
    client: AuthClient, clock: FrozenClock, late: timedelta, status: int
) -> None:
    client.sign_up()
    clock.advance(timedelta(days=30) + late)

    assert client.present(client.current_refresh_token()).status_code == status


def test_refresh_gives_a_new_token_id_and_keeps_the_time_of_the_login(
    client: AuthClient, clock: FrozenClock
) -> None:
    client.sign_up()
    first = claims_of(client.current_access_token())
    clock.advance(HOUR)
    client.refresh()
    second = claims_of(client.current_access_token())

    assert second["jti"] != first["jti"]
    assert second["iat"] - first["iat"] == 3600
    assert second["auth_time"] == first["auth_time"] == START.timestamp()
    assert session_row(client.app, client.current_access_token()).authenticated_at == START
