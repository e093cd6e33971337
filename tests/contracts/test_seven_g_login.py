"""Login, lockout and tokens: sections 4 and 5 of the contract."""

import json
from datetime import timedelta

import jwt
import pytest
from werkzeug.test import TestResponse

from app.engine.accounts import Registration
from app.primitives.clock import FrozenClock
from config import ConfigurationError
from tests.clients import PASSWORD
from tests.conftest import START, AppFor, on_every_database, runtime_of
from tests.contracts.seven_g_client import USERNAME, SevenGClient, assert_refused
from tests.http.wire import stored_rows
from tests.rows import change_user, claims_of, event_kinds, events

NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"
REFUSED = "credentials are not valid"
OURS = {"sub", "sid", "gen", "jti", "iat", "type", "auth_time", "amr"}


@pytest.fixture
def client(app_for: AppFor, transport: str) -> SevenGClient:
    client = SevenGClient(app_for(contracts="seven_g", access_token_type=transport), transport)
    client.sign_up()
    return client


def test_login_by_user_name_answers_with_the_two_tokens(client: SevenGClient):
    """[docs] 200 body: the same two fields as refresh, unwrapped"""
    answer = client.log_in()

    carried = {"accessToken", "refreshToken"} if client.transport == "header" else set()
    assert (answer.status_code, set(answer.get_json())) == (200, carried)
    assert event_kinds(client.app)[-1] == "session:login:succeeded"


def test_two_logins_are_two_sessions(client: SevenGClient):
    other = client.another_device()
    other.log_in()

    assert client.refresh().status_code == other.refresh().status_code == 200
    assert claims_of(client.current_access_token())["sid"] != claims_of(other.current_access_token())["sid"]


def test_disabled_account_unknown_name_and_wrong_password_get_one_answer(client: SevenGClient):
    """[docs] logins of disabled accounts fail whatever the password"""
    runtime_of(client.app).engine.accounts.register(_registration("disabled"), None)
    runtime_of(client.app).engine.accounts.suspend(2)
    before = stored_rows(client.app)
    device = client.another_device()

    answers = [
        device.log_in(password="wrong password"),
        device.log_in("nobody"),
        device.log_in("disabled"),
        device.log_in("disabled", "wrong password"),
    ]

    for refused in answers:
        assert_refused(refused, 401, REFUSED)
    assert len({(answer.get_data(), str(answer.headers)) for answer in answers}) == 1
    assert stored_rows(client.app) == before
    assert len(events(client.app, "session:login:failed")) == 3


def test_right_password_of_a_disabled_account_counts_like_a_wrong_one(client: SevenGClient):
    runtime_of(client.app).engine.accounts.suspend(1)
    statuses = [client.another_device().log_in().status_code for _ in range(4)]

    assert statuses == [401, 401, 401, 429]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"password": PASSWORD}, "username is required"),
        ({"username": USERNAME}, "password is required"),
        ({"username": 1, "password": PASSWORD}, "username must be a string"),
        ({"username": "x" * 256, "password": PASSWORD}, "username must be at most 255 characters"),
        ({"username": USERNAME, "password": "x" * 256}, "password must be at most 255 characters"),
    ],
)
def test_login_of_another_form_is_a_bad_request(client: SevenGClient, body: dict[str, object], message: str):
    """[docs] username and password: required, up to 255 characters"""
    assert_refused(client.post("/User/Login", body), 400, message)


@on_every_database
def test_three_failures_lock_the_account_for_ten_minutes_wherever_they_come_from(
    client: SevenGClient, clock: FrozenClock
):
    """[docs] 3 failed logins within 10 minutes lock the account for 10 minutes"""
    for number in range(3):
        assert_refused(_log_in_from(client, f"192.0.2.{number}", "wrong password"), 401, REFUSED)

    locked = _log_in_from(client, "192.0.2.9", PASSWORD)

    assert_refused(locked, 429)
    assert locked.headers["Retry-After"] == "600"
    assert event_kinds(client.app)[-1] == "session:login:locked"
    assert client.refresh().status_code == 200
    clock.advance(timedelta(minutes=10))
    assert _log_in_from(client, "192.0.2.9", PASSWORD).status_code == 200


def test_lock_is_of_one_account_only(client: SevenGClient):
    runtime_of(client.app).engine.accounts.register(_registration("other"), None)
    for _ in range(4):
        client.another_device().log_in(password="wrong password")

    assert client.another_device().log_in().status_code == 429
    assert client.another_device().log_in("other").status_code == 200


def test_failures_further_apart_or_before_a_success_do_not_lock(client: SevenGClient, clock: FrozenClock):
    for _ in range(3):
        client.another_device().log_in(password="wrong password")
        clock.advance(timedelta(minutes=10))
    for _ in range(2):
        client.another_device().log_in(password="wrong password")
    assert client.another_device().log_in().status_code == 200
    client.another_device().log_in(password="wrong password")

    assert client.another_device().log_in().status_code == 200


def test_logins_from_one_address_are_limited(app_for: AppFor):
    client = SevenGClient(app_for(contracts="seven_g", rate_limit_login="1 per minute"), "header")
    client.sign_up()

    assert_refused(client.another_device().log_in(), 429)


def test_access_token_carries_the_documented_claims_with_their_types(client: SevenGClient):
    """[seed] nameidentifier (username), UserID, InstanceID (text of digits), Roles, exp, iss, aud Public"""
    claims = claims_of(client.current_access_token())

    assert claims[NAME] == USERNAME
    assert (claims["UserID"], claims["InstanceID"], claims["Roles"]) == ("1", "1", "[]")
    assert (claims["iss"], claims["aud"]) == ("https://7g.com.au", "Public")
    assert type(claims["exp"]) is int


def test_header_says_hs256_and_jwt(client: SevenGClient):
    """[seed] JWT, header alg HS256, typ JWT"""
    assert jwt.get_unverified_header(client.current_access_token() or "") == {"alg": "HS256", "typ": "JWT"}


def test_roles_are_json_inside_a_text(client: SevenGClient):
    """[seed] Roles: a string holding a JSON array of objects with numeric RID, BID, PID"""
    own = {"RID": 1, "BID": 100, "PID": 5}
    other_forms = ["admin", {"RID": 1}, {"RID": "1", "BID": 2, "PID": 3}, {"RID": True, "BID": 1, "PID": 1}]
    change_user(client.app, attributes={"roles": [own, *other_forms], "instance_id": 42})

    client.refresh()
    claims = claims_of(client.current_access_token())

    assert claims["Roles"] == '[{"RID":1,"BID":100,"PID":5}]'
    assert json.loads(claims["Roles"]) == [own]
    assert claims["InstanceID"] == "42"


@pytest.mark.parametrize(
    ("stored", "shown"), [("17", "17"), (0, "0"), (-1, "1"), ("x", "1"), (True, "1"), ([], "1")]
)
def test_instance_is_always_digits(client: SevenGClient, stored: object, shown: str):
    """[seed] InstanceID: string of digits, not a number"""
    change_user(client.app, attributes={"instance_id": stored})
    client.refresh()

    assert claims_of(client.current_access_token())["InstanceID"] == shown


def test_nothing_but_the_services_own_claims_stands_beside_the_documented_ones(client: SevenGClient):
    """[seed] Not present: nbf (iat, jti and sub are the service's own, in every access token)"""
    documented = {NAME, "UserID", "InstanceID", "Roles", "exp", "iss", "aud"}

    assert set(claims_of(client.current_access_token())) == documented | OURS


def test_access_token_lives_twenty_minutes(client: SevenGClient, clock: FrozenClock):
    """[docs] Access life: 20 minutes"""
    assert claims_of(client.current_access_token())["exp"] - START.timestamp() == 20 * 60
    clock.advance(timedelta(minutes=20))

    assert_refused(client.use(), 401, "access token is not valid")


def test_refresh_token_is_opaque_text_within_the_limit(client: SevenGClient):
    """[seed] Refresh token form: opaque text, limit 255"""
    token = client.current_refresh_token() or ""

    assert token.isascii()
    assert "." not in token
    assert len(token) <= 255


def test_tokens_of_one_second_differ(client: SevenGClient):
    first = client.current_access_token()
    client.log_in()

    assert client.current_access_token() != first


def test_contract_in_another_spelling_of_the_same_path_is_refused_at_start(app_for: AppFor):
    with pytest.raises(ConfigurationError, match=r"seven_g\.log_in and nest_auth\.log_in"):
        app_for(contracts="seven_g,nest_auth@/user")


def _registration(username: str) -> Registration:
    return Registration(username=username, password=PASSWORD)


def _log_in_from(client: SevenGClient, address: str, password: str) -> TestResponse:
    body = {"username": USERNAME, "password": password}
    return client.app.test_client().post(
        "/User/Login",
        json=body,
        environ_base={"REMOTE_ADDR": address},
        base_url="https://keyturn.example",
    )
