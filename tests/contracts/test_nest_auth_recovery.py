"""nest_auth: forgotten passwords, proving addresses, login codes; and that nobody looks like somebody."""

import re
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import event

from app import create_app
from app.delivery import Channel, DirectOutbox, MemorySender, Message
from app.extensions import db
from app.models import Base
from app.primitives.clock import FrozenClock
from tests.applications import leave
from tests.clients import ORIGIN, PASSWORD, AuthClient
from tests.conftest import START, AppFor, SettingsFor, runtime_of
from tests.http.wire import stored_rows
from tests.rows import change_user, event_kinds, events

NEW_PASSWORD = "a quite different staple"
EMAIL = "ada@example.test"
NOBODY = "nobody@example.test"


def sent_code(outbox: MemorySender) -> str:
    found = re.search(r"\b[0-9]{6}\b", outbox.messages[-1].text)
    assert found is not None
    return found[0]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def post(client: AuthClient, path: str, **body: object):
    return client.http.post(f"/auth/{path}", json=body, base_url=ORIGIN)


def reset_token(client: AuthClient, outbox: MemorySender, email: str = EMAIL) -> str:
    assert post(client, "forgot-password", email=email).status_code == 200
    answer = post(client, "verify-forgot-password-otp", email=email, code=sent_code(outbox))
    assert answer.get_json()["message"] == "OTP verified successfully"
    return answer.get_json()["resetToken"]


def reset(client: AuthClient, token: str, password: str = NEW_PASSWORD):
    return post(client, "reset-password", token=token, newPassword=password)


def refused(answer) -> tuple[int, str]:
    return answer.status_code, answer.get_json().get("code")


def test_forgotten_password_is_reset_and_every_session_ends(client: AuthClient, outbox: MemorySender):
    client.sign_up()
    answer = reset(client, reset_token(client.another_device(), outbox))
    assert (answer.status_code, answer.get_json()) == (
        200,
        {"message": "Password has been reset successfully"},
    )
    assert outbox.messages[-1].subject == "Your password was changed"
    assert client.get("/auth/me").status_code == 401
    assert client.log_in(password=PASSWORD).status_code == 401
    assert client.log_in(password=NEW_PASSWORD).status_code == 200
    assert "account:password:changed" in event_kinds(client.app)


def test_reset_token_is_good_once_and_for_an_hour(
    client: AuthClient, outbox: MemorySender, clock: FrozenClock
):
    client.sign_up()
    token = reset_token(client, outbox)
    assert refused(reset(client, token, "12345678")) == (400, "PASSWORD_POLICY_VIOLATION")
    assert reset(client, token).status_code == 200
    assert refused(reset(client, token, PASSWORD)) == (400, "PASSWORD_RESET_TOKEN_INVALID")
    token = reset_token(client, outbox)
    clock.advance(timedelta(hours=1))
    assert refused(reset(client, token)) == (400, "PASSWORD_RESET_TOKEN_INVALID")
    assert events(client.app, "account:code:refused")[-1].details == {"purpose": "password-reset"}


@pytest.mark.parametrize("change", ["newer request", "password change", "e-mail change"])
def test_reset_token_is_void_after(client: AuthClient, outbox: MemorySender, change: str):
    client.sign_up()
    token = reset_token(client.another_device(), outbox)
    if change == "newer request":
        post(client, "forgot-password", email=EMAIL)
    elif change == "password change":
        body = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
        assert client.post("/auth/change-password", body).status_code == 200
    else:
        engine = runtime_of(client.app).engine
        engine.accounts.change(1, {"email": "new@example.test"})
    assert refused(reset(client, token, "yet another staple")) == (400, "PASSWORD_RESET_TOKEN_INVALID")


def test_asking_for_a_reset_changes_nothing(client: AuthClient, outbox: MemorySender):
    client.sign_up()
    post(client, "forgot-password", email=EMAIL)
    assert client.get("/auth/me").status_code == 200
    assert client.log_in().status_code == 200


def test_wrong_and_late_reset_codes_have_their_documented_answers(
    client: AuthClient, outbox: MemorySender, clock: FrozenClock
):
    client.sign_up()
    post(client, "forgot-password", email=EMAIL)
    code = sent_code(outbox)
    path = "verify-forgot-password-otp"
    assert refused(post(client, path, email=EMAIL, code=wrong(code))) == (400, "VERIFICATION_CODE_INVALID")
    assert refused(post(client, path, code=code)) == (400, "PASSWORD_RESET_INVALID_REQUEST")
    clock.advance(timedelta(minutes=10))
    assert refused(post(client, path, email=EMAIL, code=code)) == (400, "VERIFICATION_CODE_EXPIRED")
    assert refused(post(client, "forgot-password")) == (400, "EMAIL_OR_PHONE_REQUIRED")


@pytest.fixture
def statements_of():
    """Count what a request runs on the database, by the kind of statement."""

    def count(client: AuthClient, work) -> Counter[str]:
        kinds: Counter[str] = Counter()

        def note(_connection, _cursor, statement, *_rest) -> None:
            kinds[" ".join(statement.split()[:3])] += 1

        with client.app.app_context():
            event.listen(db.engine, "before_cursor_execute", note)
            work()
            event.remove(db.engine, "before_cursor_execute", note)
        return kinds

    return count


@pytest.fixture
def code_client(app_for: AppFor, transport: str) -> AuthClient:
    return AuthClient(app_for(access_token_type=transport, passwordless="true"), transport)


def asked(client: AuthClient, email: str) -> list[tuple[int, dict[str, object], list[tuple[str, str]]]]:
    """Go through everything that a stranger may ask about an address, too often in the end."""
    guess = {"code": "000000x"}
    credentials = {"identifier": email, "channels": ["email"], **guess}
    answers = [
        *[post(client, "forgot-password", email=email) for _ in range(7)],
        *[post(client, "passwordless/send", identifier=email, channel="email") for _ in range(7)],
        *[post(client, "verify-forgot-password-otp", email=email, **guess) for _ in range(11)],
        *[post(client, "login", providerName="passwordless", credentials=credentials) for _ in range(11)],
        *[post(client, "login", credentials={"email": email, "password": "x"}) for _ in range(11)],
        post(client, "passwordless/send", identifier=email, channel="sms"),
        post(client, "signup", email=email, password="12345678"),
    ]
    return [(answer.status_code, answer.get_json(), list(answer.headers)) for answer in answers]


def test_nobody_and_somebody_are_answered_alike_whatever_is_asked(
    code_client: AuthClient, outbox: MemorySender
):
    code_client.sign_up()
    known, unknown = (asked(code_client, email) for email in (EMAIL, NOBODY))
    assert known == unknown
    assert [status for status, *_ in known].count(429) == 6
    assert {message.recipient for message in outbox.messages} == {EMAIL}


@pytest.mark.parametrize("is_reached", [True, False])
def test_asking_costs_the_same_statements_for_nobody_and_for_somebody(
    code_client: AuthClient, outbox: MemorySender, statements_of, is_reached
):
    code_client.sign_up()
    if not is_reached:
        change_user(code_client.app, phone="+15550100", phone_verified_at=START)
    for path, body in (
        ("forgot-password", lambda email: {"email": email}),
        ("passwordless/send", lambda email: {"identifier": email}),
        ("verify-forgot-password-otp", lambda email: {"email": email, "code": "x"}),
    ):
        known, unknown = (
            statements_of(code_client, partial(post, code_client, path, **body(email)))
            for email in (EMAIL, NOBODY)
        )
        assert known == unknown
    assert bool(outbox.messages) is is_reached


def test_messages_go_to_the_configured_address_whatever_the_request_claims(
    client: AuthClient, outbox: MemorySender
):
    client.sign_up()
    headers = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    client.http.post("/auth/forgot-password", json={"email": EMAIL}, headers=headers, base_url=ORIGIN)
    message = outbox.messages[-1]
    assert message.recipient == EMAIL
    assert "evil.example" not in message.text + (message.html or "")


def test_address_is_proven_by_the_code_that_was_sent_to_it(client: AuthClient, outbox: MemorySender):
    client.sign_up()
    assert client.post("/auth/send-email-verification", {}).get_json() == {
        "message": "Verification email sent"
    }
    code = sent_code(outbox)
    assert refused(client.post("/auth/verify-email", {"code": wrong(code)})) == (
        400,
        "VERIFICATION_CODE_INVALID",
    )
    assert client.post("/auth/verify-email", {"code": code}).get_json() == {
        "message": "Email verified successfully"
    }
    assert client.get("/auth/me").get_json()["emailVerifiedAt"] is not None
    assert refused(client.post("/auth/verify-email", {"code": code})) == (400, "EMAIL_ALREADY_VERIFIED")
    assert event_kinds(client.app)[-1] == "account:email:verified"


def test_number_is_proven_by_the_code_that_was_sent_to_it(client: AuthClient, outbox: MemorySender):
    client.sign_up()
    assert refused(client.post("/auth/send-phone-verification", {})) == (400, "NO_PHONE_NUMBER")
    change_user(client.app, phone="+15550100")
    assert client.post("/auth/send-phone-verification", {}).status_code == 200
    assert outbox.messages[-1].channel is Channel.SMS
    answer = client.post("/auth/verify-phone", {"code": sent_code(outbox)})
    assert answer.get_json() == {"message": "Phone verified successfully"}
    assert client.get("/auth/me").get_json()["phoneVerifiedAt"] is not None


def test_code_for_an_older_address_proves_nothing(client: AuthClient, outbox: MemorySender):
    client.sign_up()
    client.post("/auth/send-email-verification", {})
    code = sent_code(outbox)
    runtime_of(client.app).engine.accounts.change(1, {"email": "new@example.test"})
    assert refused(client.post("/auth/verify-email", {"code": code})) == (400, "VERIFICATION_CODE_INVALID")


def test_login_by_code_opens_a_session_once(code_client: AuthClient, outbox: MemorySender):
    code_client.sign_up()
    assert post(code_client, "passwordless/send", identifier=EMAIL, channel="email").status_code == 200
    device, code = code_client.another_device(), sent_code(outbox)
    body = {
        "providerName": "passwordless",
        "credentials": {"identifier": EMAIL, "channels": ["email"], "code": code},
    }
    assert device.post("/auth/login", body).status_code == 200
    assert refused(device.post("/auth/login", body)) == (400, "VERIFICATION_CODE_INVALID")


def test_login_by_code_is_off_unless_it_is_switched_on(client: AuthClient, code_client: AuthClient):
    assert refused(post(client, "passwordless/send", identifier=EMAIL)) == (403, "PASSWORDLESS_DISABLED")
    assert client.get("/auth/client-config").get_json()["passwordless"] == {"enabled": False}
    assert code_client.get("/auth/client-config").get_json()["passwordless"] == {"enabled": True}


def test_login_code_goes_by_sms_only_to_a_proven_number(code_client: AuthClient, outbox: MemorySender):
    code_client.sign_up()
    change_user(code_client.app, phone="+15550100")
    post(code_client, "passwordless/send", identifier=EMAIL, channel="sms")
    assert outbox.messages == []


def test_code_is_worthless_at_every_other_place(code_client: AuthClient, outbox: MemorySender):
    code_client.sign_up()
    code_client.post("/auth/send-email-verification", {})
    code = sent_code(outbox)
    credentials = {"identifier": EMAIL, "channels": ["email"], "code": code}
    places = [
        post(code_client, "verify-forgot-password-otp", email=EMAIL, code=code),
        post(code_client, "login", providerName="passwordless", credentials=credentials),
        post(code_client, "reset-password", token=code, newPassword=NEW_PASSWORD),
    ]
    assert [answer.status_code for answer in places] == [400] * 3
    assert code_client.post("/auth/verify-email", {"code": code}).status_code == 200


def test_nothing_that_was_sent_is_stored_or_logged(
    code_client: AuthClient, outbox: MemorySender, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("DEBUG")
    code_client.sign_up()
    code_client.post("/auth/send-email-verification", {})
    post(code_client, "passwordless/send", identifier=EMAIL)
    codes = [found for message in outbox.messages for found in re.findall(r"\b[0-9]{6}\b", message.text)]
    token = reset_token(code_client, outbox)
    engine = runtime_of(code_client.app).engine
    rows = engine.database.transact(
        lambda transaction: [
            str(row) for table in Base.metadata.sorted_tables for row in transaction.execute(table.select())
        ]
    )
    kept = [text for text in (*rows, caplog.text) for secret in (token, token[-43:]) if secret in text]
    assert kept == []
    stored = {code for code in codes for row in rows if re.search(rf"(?<![0-9a-f.]){code}(?![0-9a-f])", row)}
    assert (len(codes), stored) == (2, set())


class FullDisk:
    def send(self, _message: Message) -> None:
        raise OSError


def test_failed_delivery_is_not_seen_from_outside(
    app: Flask, settings_for: SettingsFor, clock: FrozenClock, caplog: pytest.LogCaptureFixture
):
    AuthClient(app, "header").sign_up()
    mute = create_app(settings_for(), clock=clock, postbox=DirectOutbox(FullDisk()))

    assert post(AuthClient(mute, "header"), "forgot-password", email=EMAIL).status_code == 200
    assert "not delivered: OSError" in caplog.text
    assert runtime_of(app).engine.accounts.get(1).email == EMAIL
    leave(mute)


def let_password_expire(app: Flask, clock: FrozenClock) -> None:
    organizations = runtime_of(app).engine.organizations
    organization = organizations.create(slug="works", name="Works")
    organizations.add_member("works", 1)
    organizations.change_settings(organization.id, {"password": {"expiration_days": 30}}, None)
    clock.advance(timedelta(days=30))


@pytest.mark.parametrize("is_expired", [False, True])
def test_reset_takes_another_password_where_a_change_is_due(
    client: AuthClient, outbox: MemorySender, clock: FrozenClock, *, is_expired: bool
):
    client.sign_up()
    if is_expired:
        let_password_expire(client.app, clock)
    else:
        change_user(client.app, must_change_password=True)
    token = reset_token(client.another_device(), outbox)
    before, seen = stored_rows(client.app), event_kinds(client.app)

    assert refused(reset(client, token, PASSWORD)) == (400, "NEW_PASSWORD_SAME_AS_CURRENT")
    assert refused(reset(client, token, "password")) == (400, "PASSWORD_POLICY_VIOLATION")

    assert (stored_rows(client.app), event_kinds(client.app)) == (before, seen)
    assert reset(client, token).status_code == 200
    assert "mustChangePassword" not in client.log_in(password=NEW_PASSWORD).get_json()


def test_expired_password_has_to_be_changed_first(app: Flask, clock: FrozenClock, outbox: MemorySender):
    client = AuthClient(app, "header")
    client.sign_up()
    let_password_expire(app, clock)
    assert client.log_in().get_json()["mustChangePassword"] is True
    assert refused(client.get("/auth/user")) == (403, "MUST_CHANGE_PASSWORD")
    body = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    assert client.post("/auth/change-password", body).status_code == 200
    assert "mustChangePassword" not in client.log_in(password=NEW_PASSWORD).get_json()
