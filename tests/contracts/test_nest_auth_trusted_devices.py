"""A trusted device skips the second factor of its person, and nothing else, by each transport."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.delivery import MemorySender
from app.extensions import db
from app.models import TrustedDevice
from app.primitives.clock import FrozenClock
from tests.authenticator import Authenticator, enrol
from tests.clients import ORIGIN, PASSWORD, AuthClient
from tests.rows import change_user, claims_of, event_kinds, session_row

NAME = "nest_auth_device_trust"


@pytest.fixture
def authenticator(client: AuthClient, clock: FrozenClock) -> Authenticator:
    client.sign_up()
    return enrol(client, clock)


@pytest.fixture
def trusted(client: AuthClient, authenticator: Authenticator) -> AuthClient:
    """Ada has signed in on this device and trusts it."""
    client.log_in()
    body = {"method": "totp", "otp": authenticator.next_code(), "trustDevice": True}
    answer = client.keep(client.post("/auth/mfa/verify", body))
    assert answer.status_code == 200
    return client


def trusted_rows(client: AuthClient) -> list[TrustedDevice]:
    with client.app.app_context():
        return list(db.session.scalars(select(TrustedDevice)))


def is_asked(client: AuthClient, email: str = "ada@example.test") -> bool:
    client.post("/auth/logout")
    return client.log_in(email).get_json()["isRequiresMfa"]


def test_token_travels_as_the_transport_says(trusted: AuthClient, transport: str) -> None:
    cookie = trusted.http.get_cookie(NAME, domain="keyturn.example")
    if transport == "header":
        assert cookie is None
        assert len(trusted.trust_token or "") == 43
    else:
        assert trusted.trust_token is None
        assert cookie is not None
        assert (cookie.http_only, cookie.secure, cookie.path, len(cookie.value)) == (True, True, "/", 43)
        assert cookie.max_age == 7 * 86400


def test_trusted_device_skips_the_second_factor_and_not_the_password(trusted: AuthClient) -> None:
    assert not is_asked(trusted)
    assert claims_of(trusted.current_access_token())["amr"] == ["pwd"]
    assert trusted.log_in(password="not the password").status_code == 401
    assert is_asked(trusted.another_device())


def test_trust_ends_after_a_week(trusted: AuthClient, clock: FrozenClock) -> None:
    clock.advance(timedelta(days=7) - timedelta(seconds=1))
    assert not is_asked(trusted)
    clock.advance(timedelta(seconds=1))
    assert is_asked(trusted)


def test_trust_is_of_one_person(trusted: AuthClient, clock: FrozenClock) -> None:
    other = trusted.another_device()
    other.sign_up("bob@example.test")
    enrol(other, clock)
    assert is_asked(trusted, "bob@example.test")


def test_password_change_ends_all_trust(trusted: AuthClient) -> None:
    body = {"currentPassword": PASSWORD, "newPassword": PASSWORD}
    new = "another horse battery"
    assert trusted.post("/auth/change-password", {**body, "newPassword": new}).status_code == 200
    assert trusted.log_in(password=new).get_json()["isRequiresMfa"]


def test_change_of_second_factors_ends_all_trust(trusted: AuthClient, clock: FrozenClock) -> None:
    enrol(trusted, clock, "Tablet")
    assert is_asked(trusted)


def test_devices_are_listed_and_revoked_one_by_one(trusted: AuthClient) -> None:
    [device] = trusted.get("/auth/trusted-devices").get_json()["devices"]
    assert (device["ipAddress"], device["lastUsedAt"]) == ("127.0.0.1", None)
    answer = trusted.delete(f"/auth/trusted-devices/{device['id']}")
    assert answer.status_code == 200
    assert event_kinds(trusted.app)[-1] == "account:trusted_device:removed"
    assert trusted.delete(f"/auth/trusted-devices/{device['id']}").status_code == 404
    assert is_asked(trusted)


def test_other_peoples_devices_answer_as_none(trusted: AuthClient) -> None:
    [device] = trusted.get("/auth/trusted-devices").get_json()["devices"]
    other = trusted.another_device()
    other.sign_up("bob@example.test")
    assert other.delete(f"/auth/trusted-devices/{device['id']}").status_code == 404
    assert other.get("/auth/trusted-devices").get_json() == {"devices": []}
    assert not is_asked(trusted)


def test_all_devices_are_revoked_at_once(trusted: AuthClient) -> None:
    answer = trusted.delete("/auth/trusted-devices")
    assert answer.get_json() == {"message": "Trusted devices revoked successfully", "revoked": 1}
    assert is_asked(trusted)


def test_logging_out_everywhere_ends_all_trust(trusted: AuthClient) -> None:
    trusted.post("/auth/logout-all")
    assert is_asked(trusted)


@pytest.mark.parametrize("transport", ["header"], indirect=True)
@pytest.mark.parametrize("header", [NAME, "nest-auth-device-trust", "X-Device-Trust", None])
def test_token_is_read_from_each_of_its_headers_and_from_the_body(
    trusted: AuthClient, header: str | None
) -> None:
    token = trusted.trust_token
    body = {"credentials": {"email": "ada@example.test", "password": PASSWORD}}
    if header is None:
        body["trustToken"] = token
    answer = trusted.app.test_client().post(
        "/auth/login", json=body, headers={header: token} if header else {}, base_url=ORIGIN
    )
    assert answer.get_json()["isRequiresMfa"] is False


@pytest.mark.parametrize("token", ["", "x" * 43, "é", "x" * 5000])
def test_other_tokens_are_strangers(client: AuthClient, authenticator: Authenticator, token: str) -> None:
    body = {"credentials": {"email": "ada@example.test", "password": PASSWORD}}
    answer = client.http.post("/auth/login", json=body, headers={"X-Device-Trust": token}, base_url=ORIGIN)
    assert answer.get_json()["isRequiresMfa"] is True


def test_no_device_is_trusted_where_none_may_be(app_for, transport: str, clock: FrozenClock) -> None:
    client = AuthClient(app_for(access_token_type=transport, trusted_device_seconds=0), transport)
    client.sign_up()
    authenticator = enrol(client, clock)
    body = {"method": "totp", "otp": authenticator.next_code(), "trustDevice": True}
    answer = client.keep(client.post("/auth/mfa/verify", body))
    assert "trustToken" not in answer.get_json()
    assert is_asked(client)


def moved(app_for, trusted: AuthClient, seconds: int) -> AuthClient:
    """Return the same device at a host whose devices are trusted for another time."""
    app = app_for(access_token_type=trusted.transport, trusted_device_seconds=seconds)
    device = AuthClient(app, trusted.transport)
    device.hold(access_token=trusted.current_access_token())
    device.trust_token = trusted.trust_token
    cookie = trusted.http.get_cookie(NAME, domain="keyturn.example")
    if cookie is not None:
        device.http.set_cookie(NAME, cookie.value, domain="keyturn.example", secure=True)
    return device


def test_trust_that_was_given_before_none_may_be_is_worth_nothing(app_for, trusted: AuthClient) -> None:
    device = moved(app_for, trusted, 0)
    assert device.get("/auth/trusted-devices").get_json() == {"devices": []}
    assert is_asked(device)
    assert session_row(device.app, device.current_access_token()).mfa_pending
    [row] = trusted_rows(device)
    assert row.last_used_at is None
    assert not is_asked(trusted)


def test_shortened_lifetime_goes_for_trust_that_was_given_before(
    app_for, trusted: AuthClient, clock: FrozenClock
) -> None:
    device = moved(app_for, trusted, 86400)
    [listed] = device.get("/auth/trusted-devices").get_json()["devices"]
    assert listed["expiresAt"].startswith("2026-03-02T12:00:30")
    clock.advance(timedelta(days=1) - timedelta(seconds=1))
    assert not is_asked(device)
    clock.advance(timedelta(seconds=1))
    assert is_asked(device)
    assert session_row(device.app, device.current_access_token()).mfa_pending
    assert not is_asked(trusted)


@pytest.fixture
def asked(app_for, transport: str, clock: FrozenClock, outbox: MemorySender) -> AuthClient:
    """Ada must have a second factor, switched none on, and trusts this device since a mailed code."""
    client = AuthClient(app_for(access_token_type=transport, mfa_required="true"), transport)
    client.sign_up()
    change_user(client.app, email_verified_at=clock.now())
    client.log_in()
    client.post("/auth/mfa/challenge", {"method": "email"})
    code = next(line for line in outbox.messages[-1].text.splitlines() if line.isdigit())
    body = {"method": "email", "otp": code, "trustDevice": True}
    assert client.keep(client.post("/auth/mfa/verify", body)).status_code == 200
    return client


def test_trusted_device_adds_no_factor_where_one_is_asked_for_that_was_never_switched_on(
    asked: AuthClient, outbox: MemorySender
) -> None:
    assert not is_asked(asked)
    answer = asked.post("/auth/mfa/setup-totp", {})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "REAUTHENTICATION_REQUIRED")
    assert asked.get("/auth/mfa/devices").get_json() == []
    assert event_kinds(asked.app).count("account:mfa:changed") == 0
    assert asked.keep(asked.post("/auth/reauthenticate", {"password": PASSWORD})).status_code == 200
    assert asked.post("/auth/mfa/setup-totp", {}).status_code == 403
    asked.post("/auth/mfa/challenge", {"method": "email"})
    code = next(line for line in outbox.messages[-1].text.splitlines() if line.isdigit())
    assert asked.keep(asked.post("/auth/mfa/verify", {"method": "email", "otp": code})).status_code == 200
    assert asked.post("/auth/mfa/setup-totp", {}).status_code == 200


def test_session_from_before_the_rule_adds_no_factor_by_its_password(
    client: AuthClient, clock: FrozenClock
) -> None:
    client.sign_up()
    change_user(client.app, email_verified_at=clock.now())
    secret = client.post("/auth/mfa/setup-totp", {}).get_json()["secret"]
    change_user(client.app, attributes={"mfa_required": True})
    body = {"secret": secret, "otp": Authenticator(secret, clock).code()}
    for path in ("/auth/mfa/setup-totp", "/auth/mfa/verify-totp-setup"):
        assert client.post(path, body).get_json()["code"] == "REAUTHENTICATION_REQUIRED"
    assert not client.get("/auth/mfa/status").get_json()["isEnabled"]
    assert event_kinds(client.app).count("account:mfa:changed") == 0
