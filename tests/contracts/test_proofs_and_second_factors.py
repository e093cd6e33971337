"""What is proven counts as a second factor: how it may not become one of an account that has one already."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from app.delivery import MemorySender
from app.models import Session
from app.primitives.clock import FrozenClock
from tests.authenticator import Authenticator, enrol
from tests.clients import ORIGIN, PASSWORD, AuthClient
from tests.conftest import AppFor, runtime_of
from tests.contracts.entryguard_client import EntryGuardClient
from tests.contracts.test_entryguard_invitations import set_password, token_of
from tests.rows import change_user, event_kinds, events, session_row

MAIL = "bea@example.test"


@pytest.fixture
def bea(client: AuthClient) -> AuthClient:
    client.sign_up(MAIL)
    return client


@pytest.fixture
def guarded(bea: AuthClient, clock: FrozenClock) -> Authenticator:
    """Bea's app guards her account; her address is not proven."""
    return enrol(bea, clock)


def sent_code(outbox: MemorySender) -> str:
    found = re.search(r"\b[0-9]{6}\b", outbox.messages[-1].text)
    assert found is not None
    return found[0]


def refused(answer) -> tuple[int, str]:
    return answer.status_code, answer.get_json().get("code")


def verified_at(app: Flask, user_id: int = 1):
    return runtime_of(app).engine.accounts.get(user_id).email_verified_at


def prove_app(client: AuthClient, app: Authenticator) -> None:
    body = {"method": "totp", "otp": app.next_code()}
    assert client.keep(client.post("/auth/mfa/verify", body)).status_code == 200


def let_proof_grow_old(client: AuthClient, clock: FrozenClock) -> None:
    """Let the session's proof grow old while the code that was sent stays good."""
    clock.advance(timedelta(minutes=9))
    row = session_row(client.app, client.current_access_token())
    engine = runtime_of(client.app).engine
    engine.database.transact(
        lambda transaction: transaction.execute(
            update(Session)
            .where(Session.id == row.id)
            .values(authenticated_at=clock.now() - timedelta(minutes=16))
        )
    )


def invite_again(client: AuthClient, outbox: MemorySender) -> str:
    """Have the only person invited to an organization, and return the token that their mailbox gets."""
    engine = runtime_of(client.app).engine
    engine.organizations.create(slug="works", name="Works")
    inviter = client.another_device()
    inviter.sign_up("ada@example.test")
    engine.accounts.change(2, {"permissions": ["users.invite"]})
    engine.organizations.add_member("works", 2)
    inviter.log_in("ada@example.test")
    assert inviter.post("/auth/invite", {"email": MAIL}).status_code == 201
    found = re.search(r"token=(\S+)", outbox.messages[-1].text)
    assert found is not None
    return found[1]


def accept(client: AuthClient, token: str):
    body = {"token": token, "password": PASSWORD}
    return client.http.post("/auth/accept-invitation", json=body, base_url=ORIGIN)


def test_invitation_makes_no_mailbox_a_factor_of_an_account_that_has_one(
    bea: AuthClient, guarded: Authenticator, outbox: MemorySender
) -> None:
    thief = bea.another_device()
    assert accept(thief, invite_again(bea, outbox)).status_code == 200
    assert verified_at(bea.app) is None
    assert "account:email:verified" not in event_kinds(bea.app)
    assert thief.log_in(MAIL).get_json()["mfaMethods"] == ["totp"]
    answer = thief.post("/auth/mfa/challenge", {"method": "email"})
    assert refused(answer) == (403, "MFA_NOT_ENABLED")


def test_invitation_proves_the_address_of_whoever_has_no_factor_yet(
    bea: AuthClient, outbox: MemorySender
) -> None:
    token = invite_again(bea, outbox)
    change_user(bea.app, attributes={"mfa_required": True})
    assert accept(bea.another_device(), token).status_code == 200
    assert verified_at(bea.app) is not None


def test_invitation_proves_the_address_where_mail_is_no_factor(
    app_for: AppFor, transport: str, clock: FrozenClock, outbox: MemorySender
) -> None:
    bea = AuthClient(app_for(access_token_type=transport, mfa_methods="totp"), transport)
    bea.sign_up(MAIL)
    enrol(bea, clock)
    assert accept(bea.another_device(), invite_again(bea, outbox)).status_code == 200
    assert verified_at(bea.app) is not None


def test_link_of_a_registration_makes_no_mailbox_a_factor_either(
    app_for: AppFor, transport: str, clock: FrozenClock, outbox: MemorySender
) -> None:
    ada = EntryGuardClient(app_for(contracts="entryguard", access_token_type=transport), transport)
    ada.sign_up()
    token = token_of(outbox)
    app = Authenticator(ada.post("/api/v1/mfa/setup").get_json()["secret"], clock)
    body = {"secret": app.secret, "code": app.code()}
    assert ada.post("/api/v1/mfa/setup/confirm", body).status_code == 200
    answer = set_password(ada.another_device(), token, PASSWORD)
    assert (answer.status_code, answer.get_json()["mfaRequired"]) == (200, True)
    assert verified_at(ada.app) is None
    assert "account:email:verified" not in event_kinds(ada.app)


@pytest.mark.parametrize("weak", ["old", "without the app"])
def test_address_of_a_guarded_account_is_proven_only_with_the_proof_of_a_change(
    bea: AuthClient, guarded: Authenticator, clock: FrozenClock, outbox: MemorySender, weak: str
) -> None:
    assert bea.post("/auth/send-email-verification", {}).status_code == 200
    code = sent_code(outbox)
    if weak == "old":
        let_proof_grow_old(bea, clock)
    else:
        assert bea.keep(bea.post("/auth/reauthenticate", {"password": PASSWORD})).status_code == 200
    seen = event_kinds(bea.app)
    for path in ("send-email-verification", "verify-email"):
        answer = bea.post(f"/auth/{path}", {"code": code})
        assert refused(answer) == (403, "REAUTHENTICATION_REQUIRED")
    assert (verified_at(bea.app), event_kinds(bea.app)) == (None, seen)
    assert bea.get("/auth/mfa/status").get_json()["verifiedMethods"] == ["totp"]


def test_address_that_joins_other_factors_ends_other_sessions_and_is_told(
    bea: AuthClient, guarded: Authenticator, outbox: MemorySender
) -> None:
    other = bea.another_device()
    other.log_in(MAIL)
    prove_app(other, guarded)
    assert bea.post("/auth/send-email-verification", {}).status_code == 200
    code = sent_code(outbox)
    assert bea.post("/auth/verify-email", {"code": code}).status_code == 200
    assert bea.get("/auth/mfa/status").get_json()["verifiedMethods"] == ["totp", "email"]
    assert bea.is_let_in()
    assert not other.is_let_in()
    assert events(bea.app, "account:mfa:changed")[-1].details == {"change": "mail added"}
    assert "account:email:verified" in event_kinds(bea.app)
    assert "codes that are sent to this address count as a second factor" in outbox.messages[-1].text


def test_address_of_an_account_without_factors_is_proven_in_any_session(
    bea: AuthClient, clock: FrozenClock, outbox: MemorySender
) -> None:
    clock.advance(timedelta(minutes=50))
    assert bea.post("/auth/send-email-verification", {}).status_code == 200
    assert bea.post("/auth/verify-email", {"code": sent_code(outbox)}).status_code == 200
    assert "account:mfa:changed" not in event_kinds(bea.app)
    assert len(outbox.messages) == 1
