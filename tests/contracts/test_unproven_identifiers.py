"""An address or number that is not proven gives nobody an account of which another is proven."""

import re
from functools import partial

import pytest
from sqlalchemy import select

from app.delivery import Channel, MemorySender
from app.extensions import db
from app.models import OneTimeCode
from app.primitives.clock import FrozenClock
from tests.authenticator import enrol
from tests.clients import ORIGIN, AuthClient
from tests.conftest import AppFor, runtime_of
from tests.contracts.entryguard_client import BASE, EMAIL, SLUG, EntryGuardClient
from tests.contracts.test_proofs_and_second_factors import refused, sent_code
from tests.rows import change_user, event_kinds, events

MAIL, NUMBER = "victim@example.test", "+4915550001"
BY_MAIL, BY_NUMBER = {"email": MAIL}, {"phone": NUMBER}
NEW, NEWER = "a quite different staple", "yet another window frame"


@pytest.fixture
def stranger(app_for: AppFor, transport: str) -> AuthClient:
    """Somebody who has signed up with the victim's address and their own number; neither is proven."""
    client = AuthClient(app_for(access_token_type=transport, passwordless="true"), transport)
    client.sign_up(MAIL, phone=NUMBER)
    return client


def post(client: AuthClient, path: str, **body: object):
    return client.http.post(f"/auth/{path}", json=body, base_url=ORIGIN)


def reset_token(client: AuthClient, outbox: MemorySender, who: dict[str, str]) -> str:
    assert post(client, "forgot-password", **who).status_code == 200
    return post(client, "verify-forgot-password-otp", **who, code=sent_code(outbox)).get_json()["resetToken"]


def reset(client: AuthClient, token: str, password: str = NEW):
    return post(client, "reset-password", token=token, newPassword=password)


def person_of(client: AuthClient):
    return runtime_of(client.app).engine.accounts.get(1)


def test_number_that_a_stranger_left_behind_takes_no_account_back(
    stranger: AuthClient, outbox: MemorySender
) -> None:
    victim = stranger.another_device()
    assert reset(victim, reset_token(victim, outbox, BY_MAIL)).status_code == 200
    assert person_of(victim).email_verified_at is not None
    assert "account:email:verified" in event_kinds(victim.app)
    assert victim.log_in(MAIL, NEW).status_code == 200
    outbox.messages.clear()

    asked = post(stranger, "forgot-password", **BY_NUMBER)
    for_nobody = post(stranger, "forgot-password", phone="+4915550002")
    by_code = post(stranger, "passwordless/send", identifier=NUMBER, channel="sms")

    assert asked.status_code == by_code.status_code == 200
    assert asked.get_json() == for_nobody.get_json()
    assert outbox.messages == []
    assert [event.user_id for event in events(victim.app, "account:code:sent")[-3:]] == [None] * 3
    guess = post(stranger, "verify-forgot-password-otp", **BY_NUMBER, code="000000")
    assert refused(guess) == (400, "VERIFICATION_CODE_INVALID")
    assert victim.is_let_in()


def test_number_proves_itself_and_not_the_address_by_its_reset_code(
    stranger: AuthClient, outbox: MemorySender
) -> None:
    post(stranger, "forgot-password", **BY_NUMBER)
    assert outbox.messages[-1].channel is Channel.SMS
    # The code is the person's, by whatever name they come back with it.
    answer = post(stranger, "verify-forgot-password-otp", **BY_MAIL, code=sent_code(outbox))
    assert reset(stranger, answer.get_json()["resetToken"]).status_code == 200
    person = person_of(stranger)
    assert (person.email_verified_at, person.phone_verified_at is not None) == (None, True)
    assert "account:email:verified" not in event_kinds(stranger.app)


def test_while_nothing_is_proven_each_identifier_is_sent_its_codes(
    stranger: AuthClient, outbox: MemorySender
) -> None:
    for who in (BY_MAIL, BY_NUMBER):
        assert post(stranger, "forgot-password", **who).status_code == 200
    post(stranger, "passwordless/send", identifier=NUMBER, channel="sms")
    assert [message.recipient for message in outbox.messages] == [MAIL, NUMBER, NUMBER]


def test_proving_an_address_makes_what_was_sent_elsewhere_worthless(
    stranger: AuthClient, outbox: MemorySender
) -> None:
    token = reset_token(stranger.another_device(), outbox, BY_NUMBER)
    post(stranger, "passwordless/send", identifier=NUMBER, channel="sms")
    credentials = {"identifier": NUMBER, "channels": ["sms"], "code": sent_code(outbox)}
    stranger.post("/auth/send-email-verification", {})
    assert stranger.post("/auth/verify-email", {"code": sent_code(outbox)}).status_code == 200

    login = partial(post, stranger, "login", providerName="passwordless", credentials=credentials)
    assert refused(login()) == (400, "VERIFICATION_CODE_INVALID")
    assert refused(reset(stranger, token)) == (400, "PASSWORD_RESET_TOKEN_INVALID")
    assert stranger.is_let_in()


def test_reset_makes_no_mailbox_a_factor_of_an_account_that_has_one(
    stranger: AuthClient, clock: FrozenClock, outbox: MemorySender
) -> None:
    enrol(stranger, clock)
    assert reset(stranger, reset_token(stranger, outbox, BY_MAIL)).status_code == 200
    assert person_of(stranger).email_verified_at is None
    assert stranger.log_in(MAIL, NEW).get_json()["mfaMethods"] == ["totp"]
    assert "account:email:verified" not in event_kinds(stranger.app)


def test_link_goes_to_no_unproven_address_while_a_number_is_proven(
    app_for: AppFor, transport: str, clock: FrozenClock, outbox: MemorySender
) -> None:
    ada = EntryGuardClient(app_for(contracts="entryguard", access_token_type=transport), transport)
    ada.sign_up()
    outbox.messages.clear()
    asking = partial(ada.post, f"{BASE}/forgot-password", {"organizationSlug": SLUG, "email": EMAIL})
    change_user(ada.app, phone=NUMBER, phone_verified_at=clock.now())
    assert asking().status_code == 204
    assert outbox.messages == []
    change_user(ada.app, phone_verified_at=None)
    assert asking().status_code == 204
    found = re.search(r"token=(\S+)", outbox.messages[-1].text)
    assert found is not None
    body = {"token": found[1], "password": NEWER}
    assert ada.another_device().post(f"{BASE}/reset-password", body).status_code == 200
    assert person_of(ada).email_verified_at is not None


def test_guesses_by_one_name_do_not_tell_that_another_is_of_the_same_account(
    stranger: AuthClient, outbox: MemorySender
) -> None:
    stranger.another_device().sign_up("bea@example.test")

    def guess(code: str = "x", **who: str):
        return post(stranger, "verify-forgot-password-otp", **who, code=code)

    statuses = [guess(**BY_MAIL).status_code for _ in range(12)]
    assert statuses == [400] * 10 + [429] * 2
    post(stranger, "forgot-password", **BY_NUMBER)
    seen = len(events(stranger.app, "account:code:refused"))
    # The right code is not looked at: the limit is the person's, by whatever name.
    same, other = guess(sent_code(outbox), **BY_NUMBER), guess(email="bea@example.test")
    assert (same.status_code, same.get_json()) == (other.status_code, other.get_json())
    assert refused(same) == (400, "VERIFICATION_CODE_INVALID")
    assert len(events(stranger.app, "account:code:refused")) == seen + 2
    assert [row.tries_left for row in stored_codes(stranger)] == [5]
    statuses = [guess(**BY_NUMBER).status_code for _ in range(10)]
    assert statuses == [400] * 9 + [429]


def stored_codes(client: AuthClient) -> list[OneTimeCode]:
    with client.app.app_context():
        return list(db.session.scalars(select(OneTimeCode)))
