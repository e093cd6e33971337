"""Tokens and cookies: section 10 of the contract."""

import jwt
import pytest

from tests.clients import PASSWORD
from tests.conftest import AppFor
from tests.contracts.entryguard_client import EntryGuardClient, assert_refused
from tests.http.wire import set_cookies
from tests.rows import claims_of


@pytest.fixture
def client(app_for: AppFor, transport: str) -> EntryGuardClient:
    client = EntryGuardClient(app_for(contracts="entryguard", access_token_type=transport), transport)
    client.sign_up()
    return client


def test_access_token_is_an_hs256_jwt_with_the_documented_claims(client: EntryGuardClient):
    """[seed] header alg HS256, typ JWT; claims sub (user UUID), orgId (UUID), roles (ORG_ADMIN), iat, exp"""
    user = client.refresh().get_json()["user"]
    token = client.current_access_token() or ""
    claims = claims_of(token)

    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    assert (claims["sub"], claims["orgId"]) == (user["id"], user["organizationId"])
    assert claims["roles"] == ["ORG_ADMIN"]
    assert type(claims["iat"]) is type(claims["exp"]) is int


def test_access_token_lives_as_long_as_expires_in_says(client: EntryGuardClient):
    """[seed] Access life: 3600 s, expiresIn and exp - iat agree"""
    lifetime = client.refresh().get_json()["expiresIn"]
    claims = claims_of(client.current_access_token())

    assert lifetime == claims["exp"] - claims["iat"] == 3600


def test_access_token_says_nothing_personal_beside_what_the_service_adds_to_every_token(
    client: EntryGuardClient,
):
    """[seed] Claims not present: no email (jti, iss, aud, type are the service's own, in every token)"""
    ours = {"sid", "gen", "jti", "type", "iss", "aud", "auth_time", "amr"}

    assert set(claims_of(client.current_access_token())) == {"sub", "orgId", "roles", "iat", "exp", *ours}


def test_refresh_token_is_opaque_text(client: EntryGuardClient):
    """[seed] Refresh token: opaque string"""
    token = client.current_refresh_token() or ""

    assert token.isascii()
    assert "." not in token
    assert len(token) <= 255


def test_cookies_have_names_of_their_own_and_the_lives_of_the_tokens(client: EntryGuardClient):
    cookies = set_cookies(client.log_in())

    if client.transport == "header":
        assert cookies == {}
        return
    ages = {name: cookie.attributes["max-age"] for name, cookie in cookies.items()}
    assert ages == {"entryguard_access": "3600", "entryguard_refresh": "604800", "entryguard_remember": "0"}


def test_session_and_access_token_of_another_contract_are_refused(app_for: AppFor):
    app = app_for(contracts="entryguard,nest_auth")
    client = EntryGuardClient(app, "header")
    client.sign_up()
    body = {"credentials": {"email": "ada@example.test", "password": PASSWORD}}
    nest = app.test_client().post("/auth/login", json=body).get_json()

    assert_refused(client.present(nest["refreshToken"]), 401, "refresh token is not valid")
    client.access_token = nest["accessToken"]
    assert_refused(client.use(), 401, "access token is not valid")
