"""Which access tokens open a door: their form, their session, and the keys that vouch for them."""

from datetime import timedelta

import pytest
from flask import Flask, jsonify
from marshmallow import Schema
from sqlalchemy import update

from app.extensions import db
from app.http.operations import Access, operation
from app.models import Session
from app.primitives.clock import FrozenClock
from app.primitives.keyring import Purpose
from tests.clients import PASSWORD, AuthClient
from tests.conftest import SECRET, AppFor, runtime_of
from tests.http.forging import OTHER_KEY, key_of, resigned
from tests.http.wire import assert_refused, mounted_operations, set_cookies
from tests.rows import change_user, claims_of, event_kinds, session_row

NEW_SECRET = "p7Vd-another-4Kx9Tq2Lw8Rz6Hs1Bm5Nc3Jf0Gy"
INVALID = (401, "INVALID_TOKEN", "Invalid or expired token")
CHALLENGE = 'Bearer error="invalid_token"'
# Nothing answers here, so whoever reads the database fails.
NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/keyturn_nowhere"


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "refresh"},
        {"type": None},
        {"iss": "https://keyturn.example.evil.test"},
        {"iss": "https://keyturn.exampl"},
        {"iss": ""},
        {"aud": "keyturn:entryguard"},
        {"aud": ["keyturn:nest_auth", "keyturn:entryguard"]},
        {"aud": None},
        {"sid": "nobody"},
        {"sid": None},
        {"gen": "1"},
        {"gen": True},
        {"gen": None},
        {"exp": "2030"},
        {"exp": 1e9},
        {"exp": None},
        {"exp": -1},
        {"exp": 10**400},
        {"iat": None},
        {"nbf": "now"},
    ],
)
def test_signed_token_with_wrong_claims_opens_nothing(client: AuthClient, changes: dict[str, object]) -> None:
    client.sign_up()
    genuine, seen = client.current_access_token(), event_kinds(client.app)
    client.hold(access_token=resigned(genuine, key_of(client.app), **changes))

    refused = client.get("/auth/me")

    assert_refused(refused, *INVALID)
    assert refused.headers["WWW-Authenticate"] == CHALLENGE
    assert set_cookies(refused) == {}
    assert event_kinds(client.app) == seen
    assert session_row(client.app, genuine).seen_generation == 0


@pytest.mark.parametrize("claim", ["type", "iss", "aud", "exp", "iat", "sid", "gen", "sub"])
def test_token_without_a_demanded_claim_opens_nothing(client: AuthClient, claim: str) -> None:
    client.sign_up()
    client.hold(access_token=resigned(client.current_access_token(), key_of(client.app), drop=claim))

    assert client.get("/auth/me").status_code == 401


@pytest.mark.parametrize("purpose", [purpose for purpose in Purpose if purpose is not Purpose.ACCESS_TOKEN])
def test_key_of_another_purpose_signs_no_access_token(client: AuthClient, purpose: Purpose) -> None:
    client.sign_up()
    client.hold(access_token=resigned(client.current_access_token(), key_of(client.app, purpose)))

    assert_refused(client.get("/auth/me"), *INVALID)


@pytest.mark.parametrize(
    ("key", "algorithm"), [(OTHER_KEY, "HS256"), (OTHER_KEY * 2, "HS384"), (SECRET.encode(), "HS256")]
)
def test_other_keys_and_algorithms_sign_nothing(client: AuthClient, key: bytes, algorithm: str) -> None:
    client.sign_up()
    client.hold(access_token=resigned(client.current_access_token(), key, algorithm=algorithm))

    assert_refused(client.get("/auth/me"), *INVALID)


@pytest.mark.parametrize(("step", "status"), [(timedelta(microseconds=-1), 200), (timedelta(0), 401)])
def test_access_token_ends_at_the_second_its_claim_says(
    client: AuthClient, clock: FrozenClock, step: timedelta, status: int
) -> None:
    client.sign_up()
    clock.advance(timedelta(hours=1) + step)

    answer = client.get("/auth/me")

    assert answer.status_code == status
    if status == 401:
        assert_refused(answer, *INVALID)
        assert answer.headers["WWW-Authenticate"] == CHALLENGE
        assert set_cookies(answer) == {}


def test_session_of_another_contract_opens_nothing_here(client: AuthClient) -> None:
    client.sign_up()
    with client.app.app_context():
        db.session.execute(update(Session).values(contract="entryguard"))
        db.session.commit()

    assert_refused(client.get("/auth/me"), 401, "SESSION_NOT_FOUND", "Session not found")
    assert_refused(client.refresh(), 401, "REFRESH_TOKEN_EXPIRED")


def test_every_guarded_operation_challenges_whoever_has_no_token(client: AuthClient) -> None:
    for guarded in mounted_operations(client.app):
        if guarded.is_guarded:
            refused = client.http.open(
                guarded.path,
                method=guarded.method,
                json=guarded.body,
                base_url="https://keyturn.example",
            )
            assert_refused(refused, 401, "NO_AUTH_PROVIDED")
            assert refused.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/auth/login", "/auth/refresh-token"])
def test_public_refusals_challenge_without_an_error(client: AuthClient, path: str) -> None:
    body = {"credentials": {"email": "eve@example.test", "password": PASSWORD}}
    refused = client.post(path, body)

    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


def _end_by(client: AuthClient, how: str) -> None:
    other = client.another_device()
    other.log_in()
    if how == "logout":
        client.post("/auth/logout")
    elif how == "logout-all":
        other.post("/auth/logout-all")
    elif how == "password":
        other.post(
            "/auth/change-password", {"currentPassword": PASSWORD, "newPassword": "another horse battery"}
        )
    else:
        runtime_of(client.app).engine.accounts.suspend(1)


@pytest.mark.parametrize("how", ["logout", "logout-all", "password", "suspension"])
def test_session_check_lets_every_end_act_at_once(client: AuthClient, how: str) -> None:
    client.sign_up()
    token = client.current_access_token()
    _end_by(client, how)
    client.hold(access_token=token)

    code = "ACCOUNT_INACTIVE" if how == "suspension" else "SESSION_NOT_FOUND"
    assert_refused(client.get("/auth/me"), 401, code)


@pytest.mark.parametrize("how", ["logout", "logout-all", "password", "suspension"])
def test_signature_check_lets_a_token_live_until_its_end(
    app_for: AppFor, transport: str, clock: FrozenClock, how: str
) -> None:
    app = app_for(access_token_type=transport, access_token_check="signature")
    client = AuthClient(app, transport)
    client.sign_up()
    token, refresh = client.current_access_token(), client.current_refresh_token()
    _end_by(client, how)
    client.hold(access_token=token)
    clock.advance(timedelta(minutes=59))

    assert client.get("/auth/me").status_code == 200
    assert client.present(refresh).status_code == 401
    clock.advance(timedelta(minutes=1))
    assert_refused(client.get("/auth/me"), *INVALID)


def test_signature_check_lets_a_person_whose_password_is_due_only_change_it(
    app_for: AppFor, transport: str
) -> None:
    client = AuthClient(app_for(access_token_type=transport, access_token_check="signature"), transport)
    client.sign_up()
    assert "password_due" not in claims_of(client.current_access_token())
    change_user(client.app, must_change_password=True)
    client.log_in()
    seen = event_kinds(client.app)

    assert_refused(client.get("/auth/user"), 403, "MUST_CHANGE_PASSWORD")
    assert_refused(client.get("/auth/sessions"), 403, "MUST_CHANGE_PASSWORD")

    assert session_row(client.app, client.current_access_token()).revoked_at is None
    assert event_kinds(client.app) == seen
    body = {"currentPassword": PASSWORD, "newPassword": "another horse battery"}
    assert client.post("/auth/change-password", body).status_code == 200


def test_signature_check_asks_the_session_whether_the_password_is_still_due(app_for: AppFor) -> None:
    client = AuthClient(app_for(access_token_check="signature"), "header")
    client.sign_up()
    change_user(client.app, must_change_password=True)
    client.log_in()
    change_user(client.app, must_change_password=False)

    assert client.get("/auth/user").status_code == 200
    _end_by(client, "logout-all")
    assert_refused(client.get("/auth/user"), 401, "SESSION_NOT_FOUND")


def _add_guarded_route(app: Flask) -> None:
    """A route of the team that mounts the service, behind its guard."""

    @operation("Who calls", answers=Schema, access=Access.FULL)
    def who(call):
        return jsonify(call.access.claims["sub"])

    app.add_url_rule("/auth/who", endpoint="nest_auth.who", view_func=who)


@pytest.mark.parametrize(("check", "status"), [("signature", 200), ("session", 503)])
def test_only_the_session_check_reads_the_database(
    app_for: AppFor, new_app_for: AppFor, transport: str, check: str, status: int
) -> None:
    client = AuthClient(app_for(access_token_type=transport), transport)
    client.sign_up()
    away = new_app_for(access_token_type=transport, access_token_check=check, database_url=NOWHERE)
    _add_guarded_route(away)
    other = AuthClient(away, transport)
    other.hold(access_token=client.current_access_token())

    answer = other.get("/auth/who")

    assert answer.status_code == status
    if status == 200:
        assert answer.get_json() == claims_of(client.current_access_token())["sub"]


def test_tokens_of_the_old_key_are_good_while_it_is_a_fallback(app_for: AppFor, transport: str) -> None:
    old = AuthClient(app_for(access_token_type=transport), transport)
    old.sign_up()
    changed = app_for(access_token_type=transport, secret_key=NEW_SECRET, secret_key_fallbacks=SECRET)
    client = AuthClient(changed, transport)
    client.hold(access_token=old.current_access_token(), refresh_token=old.current_refresh_token())

    assert client.get("/auth/me").status_code == 200
    assert client.refresh().status_code == 200

    only_new = AuthClient(app_for(access_token_type=transport, secret_key=NEW_SECRET), transport)
    only_new.hold(access_token=client.current_access_token(), refresh_token=client.current_refresh_token())
    assert only_new.get("/auth/me").status_code == 200
    assert only_new.refresh().status_code == 200


def test_host_that_knows_the_new_key_only_as_a_fallback_takes_its_tokens(
    app_for: AppFor, transport: str
) -> None:
    ahead = AuthClient(
        app_for(access_token_type=transport, secret_key=NEW_SECRET, secret_key_fallbacks=SECRET), transport
    )
    ahead.sign_up()
    behind = AuthClient(app_for(access_token_type=transport, secret_key_fallbacks=NEW_SECRET), transport)
    behind.hold(access_token=ahead.current_access_token(), refresh_token=ahead.current_refresh_token())

    assert behind.get("/auth/me").status_code == 200
    assert behind.refresh().status_code == 200


def test_withdrawn_key_vouches_for_nothing(app_for: AppFor, transport: str) -> None:
    old = AuthClient(app_for(access_token_type=transport), transport)
    old.sign_up()
    client = AuthClient(app_for(access_token_type=transport, secret_key=NEW_SECRET), transport)
    client.hold(access_token=old.current_access_token(), refresh_token=old.current_refresh_token())

    assert_refused(client.get("/auth/me"), *INVALID)
    assert_refused(client.refresh(), 401, "REFRESH_TOKEN_EXPIRED")
    assert session_row(old.app, old.current_refresh_token()).revoked_at is None
