"""entryguard sections 4 and 9: the mail of a registration, and invitations."""

import re
from datetime import timedelta

import pytest
from flask import Flask

from app.delivery import MemorySender
from app.primitives.clock import FrozenClock
from tests.clients import ORIGIN, PASSWORD, AuthClient
from tests.conftest import AppFor, runtime_of
from tests.contracts.entryguard_client import BASE, EMAIL, SLUG, EntryGuardClient, assert_refused
from tests.http.wire import stored_rows
from tests.rows import change_user, event_kinds, events

BEA = "bea@example.test"
USERS = "/api/v1/users"
FIRST = "a quite different staple"
LINK = re.compile(r"https://keyturn\.example/set-password\?token=(\S+)")


@pytest.fixture
def app(app_for: AppFor, transport: str) -> Flask:
    return app_for(contracts="entryguard", access_token_type=transport)


@pytest.fixture
def ada(app: Flask, transport: str) -> EntryGuardClient:
    """The administrator of an organization."""
    ada = EntryGuardClient(app, transport)
    ada.sign_up()
    return ada


def invite(client: EntryGuardClient, email: str = BEA, **body: object):
    return client.post(USERS, {"email": email, **body})


def token_of(outbox: MemorySender) -> str:
    found = LINK.search(outbox.messages[-1].text)
    assert found is not None
    return found[1]


def set_password(client: EntryGuardClient, token: str, password: str = FIRST):
    return client.keep(client.post(f"{BASE}/set-password", {"inviteToken": token, "password": password}))


def verified_at(app: Flask, user_id: int):
    return runtime_of(app).engine.accounts.get(user_id).email_verified_at


def test_registration_mails_a_link_and_is_usable_before_it_is_followed(
    ada: EntryGuardClient, outbox: MemorySender
):
    (message,) = outbox.messages
    assert (message.recipient, message.subject) == (EMAIL, "Confirm your e-mail address")
    assert ada.use().status_code == 200
    assert verified_at(ada.app, 1) is None

    device = ada.another_device()
    answer = set_password(device, token_of(outbox), PASSWORD)
    assert (answer.status_code, answer.get_json()["user"]["organizationSlug"]) == (200, SLUG)
    assert device.use().status_code == 200
    assert ada.use().status_code == 200
    assert verified_at(ada.app, 1) is not None
    assert event_kinds(ada.app)[-2:] == ["account:email:verified", "session:login:succeeded"]


@pytest.mark.parametrize("transport", ["cookie"])
def test_request_that_is_refused_for_its_cookies_spends_no_token(ada: EntryGuardClient, outbox: MemorySender):
    token, device = token_of(outbox), ada.another_device()
    twice = {"Cookie": "entryguard_refresh=a; entryguard_refresh=b"}
    body = {"inviteToken": token, "password": PASSWORD}
    browser = ada.app.test_client(use_cookies=False)
    refused = browser.post(f"{BASE}/set-password", json=body, headers=twice, base_url=ORIGIN)
    assert refused.status_code == 400
    assert verified_at(ada.app, 1) is None
    assert event_kinds(ada.app)[-1] == "session:login:succeeded"
    assert set_password(device, token, PASSWORD).status_code == 200


def test_link_of_a_registration_replaces_no_password(ada: EntryGuardClient, outbox: MemorySender):
    token = token_of(outbox)
    assert_refused(set_password(ada.another_device(), token), 401, "current password is not correct")
    assert event_kinds(ada.app)[-1] == "account:password:refused"
    assert verified_at(ada.app, 1) is None
    assert ada.log_in(password=FIRST).status_code == 401
    assert set_password(ada.another_device(), token, PASSWORD).status_code == 200


def test_guesses_with_a_link_are_counted(app_for: AppFor, outbox: MemorySender):
    ada = EntryGuardClient(app_for(contracts="entryguard", login_attempts=3), "header")
    ada.sign_up()
    token = token_of(outbox)
    statuses = [set_password(ada.another_device(), token).status_code for _ in range(4)]
    assert statuses == [401, 401, 401, 429]


def test_invitation_makes_a_member_who_cannot_log_in_yet(ada: EntryGuardClient, outbox: MemorySender):
    answer = invite(ada, name="Bea", isOrgAdmin=True)
    body = answer.get_json()
    assert answer.status_code == 201
    assert body.pop("id")
    assert body == {
        "email": BEA,
        "name": "Bea",
        "isOrgAdmin": True,
        "platformRole": "USER",
        "isActive": True,
        "mfaEnabled": False,
        "lastLoginAt": None,
        "roleNames": ["ORG_ADMIN"],
        "createdAt": "2026-03-01T12:00:00Z",
        "updatedAt": "2026-03-01T12:00:00Z",
    }
    assert (outbox.messages[-1].recipient, outbox.messages[-1].subject) == (BEA, "You are invited")
    for password in ("", "None", FIRST):
        assert ada.another_device().log_in(BEA, password).status_code == 401


def test_accepting_sets_the_password_proves_the_address_and_logs_in_once(
    ada: EntryGuardClient, outbox: MemorySender
):
    invite(ada)
    token, bea = token_of(outbox), ada.another_device()
    answer = set_password(bea, token)

    body = answer.get_json()
    tokens = {"accessToken", "refreshToken"} if bea.transport == "header" else set()
    assert (answer.status_code, set(body)) == (200, tokens | {"expiresIn", "tokenType", "user"})
    assert (body["user"]["email"], body["user"]["isOrgAdmin"]) == (BEA, False)
    assert bea.use().status_code == 200
    assert verified_at(ada.app, 2) is not None
    assert ada.another_device().log_in(BEA, FIRST).status_code == 200
    assert_refused(set_password(ada.another_device(), token), 401, "token is not valid")
    assert events(ada.app, "account:code:refused")[-1].details == {"purpose": "invitation"}


def test_first_password_meets_the_rules_of_the_organization(ada: EntryGuardClient, outbox: MemorySender):
    ada.patch("/api/v1/organization/settings", {"passwordRequireDigit": True})
    invite(ada)
    token = token_of(outbox)
    problem = "password must contain a digit"
    assert_refused(set_password(ada.another_device(), token), 400, problem, problems={"password": problem})
    assert set_password(ada.another_device(), token, f"{FIRST} 7").status_code == 200


def test_second_factor_that_the_organization_asks_for_is_enrolled_first(
    ada: EntryGuardClient, outbox: MemorySender
):
    ada.patch("/api/v1/organization/settings", {"mfaRequired": True})
    invite(ada)
    bea = ada.another_device()
    # The address is proven by now, so a code by mail is what this person can show.
    body = set_password(bea, token_of(outbox)).get_json()
    assert (body["mfaRequired"], body["user"]) == (True, None)
    assert bea.use().status_code == 401


def test_invitation_lasts_seven_days_and_no_longer(
    ada: EntryGuardClient, outbox: MemorySender, clock: FrozenClock
):
    invite(ada)
    token = token_of(outbox)
    clock.advance(timedelta(days=7))
    assert_refused(set_password(ada.another_device(), token), 401)
    assert verified_at(ada.app, 2) is None


def test_invitation_into_no_organization_is_refused_and_stays_good(
    app_for: AppFor, transport: str, outbox: MemorySender
):
    app = app_for(contracts="nest_auth,entryguard", access_token_type=transport)
    inviter = AuthClient(app, transport)
    inviter.sign_up()
    runtime_of(app).engine.accounts.change(1, {"permissions": ["users.invite"]})
    assert inviter.post("/auth/invite", {"email": BEA}).status_code == 201
    token, before = outbox.messages[-1].text.split("token=")[1].split()[0], stored_rows(app)

    assert_refused(set_password(EntryGuardClient(app, transport), token), 401, "token is not valid")

    assert stored_rows(app) == before
    assert events(app, "account:code:refused")[-1].details == {"purpose": "invitation"}
    body = {"token": token, "password": FIRST}
    assert inviter.http.post("/auth/accept-invitation", json=body, base_url=ORIGIN).status_code == 200


def test_invitation_is_no_token_for_anything_else(ada: EntryGuardClient, outbox: MemorySender):
    invite(ada)
    token = token_of(outbox)
    reset = {"token": token, "password": FIRST}
    change = {"passwordChangeToken": token, "newPassword": FIRST}
    verify = {"mfaChallengeToken": token, "code": "123456"}
    for path, body in (
        ("reset-password", reset),
        ("change-expired-password", change),
        ("verify-mfa", verify),
    ):
        assert ada.another_device().post(f"{BASE}/{path}", body).status_code == 401
    ada.another_device().post(f"{BASE}/forgot-password", {"organizationSlug": SLUG, "email": EMAIL})
    found = re.search(r"reset-password\?token=(\S+)", outbox.messages[-1].text)
    assert found is not None
    assert set_password(ada.another_device(), found[1], PASSWORD).status_code == 401
    assert set_password(ada.another_device(), token).status_code == 200


def test_taken_address_and_full_organization_are_bad_requests(ada: EntryGuardClient, outbox: MemorySender):
    assert_refused(
        invite(ada, EMAIL),
        400,
        "email is already registered",
        problems={"email": "email is already registered"},
    )
    assert_refused(invite(ada, "no address"), 400, problems={"email": "email must be an email"})
    assert [invite(ada, f"{name}@example.test").status_code for name in ("bea", "cara")] == [201, 201]
    before, seen = stored_rows(ada.app), event_kinds(ada.app)
    refused = invite(ada, "dora@example.test")
    assert_refused(refused, 400, "the organization has as many users as it may have")
    assert (stored_rows(ada.app), event_kinds(ada.app)) == (before, seen)
    assert len(outbox.messages) == 3


def test_person_who_is_deleted_leaves_the_place_to_somebody_else(ada: EntryGuardClient):
    assert [invite(ada, f"{name}@example.test").status_code for name in ("bea", "cara")] == [201, 201]
    engine = runtime_of(ada.app).engine
    engine.accounts.delete(2)

    assert invite(ada, "dora@example.test").status_code == 201

    members = engine.organizations.list_members(SLUG, limit=10)
    assert [member.email for member in members] == [EMAIL, "cara@example.test", "dora@example.test"]
    assert events(ada.app, "account:self:deleted")[0].user_id == 2


def test_only_an_administrator_invites(ada: EntryGuardClient, outbox: MemorySender):
    invite(ada)
    bea = ada.another_device()
    set_password(bea, token_of(outbox))
    assert_refused(invite(bea, "cara@example.test"), 403)
    assert_refused(invite(ada.another_device(), "cara@example.test"), 401)
    assert len(outbox.messages) == 2


def test_password_that_is_due_comes_first(ada: EntryGuardClient, outbox: MemorySender):
    change_user(ada.app, must_change_password=True)
    body = set_password(ada.another_device(), token_of(outbox), PASSWORD).get_json()
    assert (body["passwordExpired"], body["user"]) == (True, None)


def test_invitation_to_a_suspended_organization_changes_nothing_until_it_is_reinstated(
    ada: EntryGuardClient, outbox: MemorySender
):
    assert invite(ada).status_code == 201
    bea, token = ada.another_device(), token_of(outbox)
    organizations = runtime_of(ada.app).engine.organizations
    organizations.suspend(SLUG)
    before = stored_rows(ada.app)

    assert_refused(set_password(bea, token), 403)

    assert stored_rows(ada.app) == before
    assert event_kinds(ada.app)[-1] == "session:login:refused"
    organizations.reinstate(SLUG)
    assert set_password(bea, token).status_code == 200
