"""nest_auth section 10: invitations, and beyond it how they are accepted."""

import re
from uuid import uuid4

import pytest

from app.delivery import Channel, MemorySender
from tests.clients import ORIGIN, PASSWORD, AuthClient
from tests.conftest import runtime_of
from tests.http.wire import stored_rows
from tests.rows import claims_of, event_kinds, session_row

BEA = "bea@example.test"
FIRST = "a quite different staple"
LINK = re.compile(r"https://keyturn\.example/account/accept-invitation\?token=(\S+)")


@pytest.fixture
def ada(client: AuthClient) -> AuthClient:
    """Somebody who may invite, and belongs to an organization."""
    client.sign_up()
    engine = runtime_of(client.app).engine
    engine.organizations.create(slug="works", name="Works")
    engine.organizations.add_member("works", 1)
    engine.accounts.change(1, {"permissions": ["users.invite"]})
    client.log_in()
    return client


def invite(client: AuthClient, **body: object):
    return client.post("/auth/invite", body)


def token_in(outbox: MemorySender) -> str:
    found = LINK.search(outbox.messages[-1].text)
    assert found is not None
    return found[1]


def accept(client: AuthClient, outbox: MemorySender, password: str = FIRST):
    body = {"token": token_in(outbox), "password": password}
    return client.http.post("/auth/accept-invitation", json=body, base_url=ORIGIN)


def is_in_works(client: AuthClient) -> bool:
    works = runtime_of(client.app).engine.organizations.find("works")
    return claims_of(client.current_access_token()).get("tenantId") == str(works.id)


def test_stranger_gets_a_link_and_chooses_a_password(ada: AuthClient, outbox: MemorySender):
    answer = invite(
        ada, email=BEA, metadata={"name": "Bea", "role": "ADMIN", "permissions": ["users.invite"]}
    )
    bea = runtime_of(ada.app).engine.accounts.get(2)
    assert answer.status_code == 201
    assert answer.get_json() == {"message": "Invitation sent", "userId": str(bea.uuid), "isNewUser": True}
    assert (bea.name, bea.role, bea.attributes) == ("Bea", "USER", {})
    assert (outbox.messages[-1].recipient, outbox.messages[-1].subject) == (BEA, "You are invited")

    device = ada.another_device()
    accepted = accept(device, outbox)
    assert (accepted.status_code, accepted.get_json()) == (200, {"message": "Invitation accepted"})
    assert device.log_in(BEA, FIRST).status_code == 200
    assert device.get("/auth/me").get_json()["emailVerifiedAt"]
    assert is_in_works(device)
    again = accept(device, outbox)
    assert (again.status_code, again.get_json()["code"]) == (400, "INVITATION_INVALID")
    assert event_kinds(ada.app)[-1] == "account:code:refused"


def test_person_with_an_account_joins_with_their_own_password(ada: AuthClient, outbox: MemorySender):
    bea = ada.another_device()
    bea.sign_up(BEA)
    assert invite(ada, email=BEA).get_json()["isNewUser"] is False
    assert not is_in_works(bea)

    refused = accept(bea, outbox)
    assert (refused.status_code, refused.get_json()["code"]) == (400, "CURRENT_PASSWORD_INCORRECT")
    assert event_kinds(ada.app)[-1] == "account:password:refused"
    assert bea.get("/auth/me").get_json()["emailVerifiedAt"] is None
    assert accept(bea, outbox, PASSWORD).status_code == 200
    assert bea.get("/auth/me").get_json()["emailVerifiedAt"]
    bea.log_in(BEA)
    assert is_in_works(bea)


def test_member_who_is_invited_again_keeps_their_place(ada: AuthClient, outbox: MemorySender):
    organizations = runtime_of(ada.app).engine.organizations
    organizations.add_member("works", 1, role="ADMIN", is_admin=True)
    invite(ada, email="ada@example.test")
    assert accept(ada, outbox, PASSWORD).status_code == 200
    assert ada.log_in().status_code == 200
    sid = session_row(ada.app, ada.current_access_token()).id
    assert runtime_of(ada.app).engine.sessions.look_up(sid).organization.is_admin


def test_invitation_by_number_goes_by_sms_and_proves_the_number(ada: AuthClient, outbox: MemorySender):
    assert invite(ada, phone="+1 555 0100").status_code == 201
    assert (outbox.messages[-1].recipient, outbox.messages[-1].channel) == ("+15550100", Channel.SMS)
    assert accept(ada, outbox).status_code == 200
    assert runtime_of(ada.app).engine.accounts.get(2).phone_verified_at is not None


def test_inviting_takes_the_permission_an_address_and_ones_own_tenant(ada: AuthClient, outbox: MemorySender):
    other = runtime_of(ada.app).engine.organizations.create(slug="other", name="Other")
    eve = ada.another_device()
    eve.sign_up("eve@example.test")
    seen = event_kinds(ada.app)
    answers = [
        invite(eve, email=BEA),
        invite(ada),
        invite(ada, email=BEA, tenantId=str(other.id)),
        invite(ada, email=BEA, tenantId=str(uuid4())),
        invite(ada, email="no address"),
        invite(ada, email=BEA, metadata="Bea"),
    ]
    assert [(answer.status_code, answer.get_json().get("code")) for answer in answers] == [
        (403, "MISSING_REQUIRED_PERMISSIONS"),
        (400, "EMAIL_OR_PHONE_REQUIRED"),
        (403, "ACCESS_DENIED"),
        (403, "ACCESS_DENIED"),
        (400, None),
        (400, None),
    ]
    assert (event_kinds(ada.app), outbox.messages) == (seen, [])
    assert len(runtime_of(ada.app).engine.accounts.list_all(limit=10)) == 2
    works = runtime_of(ada.app).engine.organizations.find("works")
    assert invite(ada, email=BEA, tenantId=str(works.id)).status_code == 201


def test_suspended_person_is_sent_nothing_and_the_inviter_sees_no_difference(
    ada: AuthClient, outbox: MemorySender
):
    ada.another_device().sign_up(BEA)
    runtime_of(ada.app).engine.accounts.suspend(2)
    answer = invite(ada, email=BEA)
    assert (answer.status_code, answer.get_json()["isNewUser"], outbox.messages) == (201, False, [])


def test_invitation_and_reset_token_do_not_serve_for_each_other(ada: AuthClient, outbox: MemorySender):
    invite(ada, email=BEA)
    reset = {"token": token_in(outbox), "newPassword": FIRST}
    refused = ada.post("/auth/reset-password", reset)
    assert (refused.status_code, refused.get_json()["code"]) == (400, "PASSWORD_RESET_TOKEN_INVALID")
    ada.post("/auth/forgot-password", {"email": "ada@example.test"})
    (code,) = re.findall(r"^\d{6}$", outbox.messages[-1].text, re.MULTILINE)
    proof = {"email": "ada@example.test", "code": code}
    token = ada.post("/auth/verify-forgot-password-otp", proof).get_json()["resetToken"]
    refused = ada.post("/auth/accept-invitation", {"token": token, "password": PASSWORD})
    assert (refused.status_code, refused.get_json()["code"]) == (400, "INVITATION_INVALID")


def test_token_of_an_invitation_is_neither_stored_nor_logged(
    ada: AuthClient, outbox: MemorySender, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("DEBUG")
    invite(ada, email=BEA)
    token = token_in(outbox)
    kept = f"{stored_rows(ada.app)}{caplog.text}"
    accept(ada, outbox, "12345678")
    assert accept(ada, outbox).status_code == 200
    kept += f"{stored_rows(ada.app)}{caplog.text}"
    assert "refused POST" in kept
    assert token not in kept
    assert token[-43:] not in kept
    assert FIRST not in kept


def test_invitations_to_one_person_are_bounded(ada: AuthClient, outbox: MemorySender):
    statuses = [invite(ada, email=BEA).status_code for _ in range(7)]
    assert statuses == [201] * 6 + [429]
    assert len(outbox.messages) == 6
