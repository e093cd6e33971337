"""entryguard section 9: what an administrator does for the people of the organization."""

from uuid import uuid4

import pytest
from flask import Flask

from app.delivery import MemorySender
from app.engine.accounts import Registration
from app.primitives.clock import FrozenClock
from tests.authenticator import Authenticator
from tests.clients import PASSWORD
from tests.conftest import AppFor, runtime_of
from tests.contracts.entryguard_client import BASE, SLUG, EntryGuardClient, assert_refused
from tests.rows import change_user, event_kinds, events

BEA = "bea@example.test"
USERS = "/api/v1/users"


@pytest.fixture
def app(app_for: AppFor, transport: str) -> Flask:
    return app_for(contracts="entryguard", access_token_type=transport)


@pytest.fixture
def ada(app: Flask, transport: str) -> EntryGuardClient:
    """The administrator of an organization."""
    ada = EntryGuardClient(app, transport)
    ada.sign_up()
    return ada


@pytest.fixture
def bea(app: Flask, transport: str, ada: EntryGuardClient) -> EntryGuardClient:
    """A member with a second factor."""
    runtime_of(app).engine.accounts.register(
        Registration(email=BEA, password=PASSWORD, organization_slug=SLUG), None
    )
    bea = EntryGuardClient(app, transport)
    bea.log_in(BEA)
    return bea


def id_of(client: EntryGuardClient) -> str:
    return client.get(f"{BASE}/me").get_json()["id"]


def enrol(client: EntryGuardClient, clock: FrozenClock) -> None:
    app = Authenticator(client.post("/api/v1/mfa/setup").get_json()["secret"], clock)
    body = {"secret": app.secret, "code": app.code()}
    assert client.post("/api/v1/mfa/setup/confirm", body).status_code == 200


def reset_mfa(client: EntryGuardClient, user_id: object):
    return client.post(f"{USERS}/{user_id}/reset-mfa")


def test_administrator_resets_a_members_second_factor(
    ada: EntryGuardClient, bea: EntryGuardClient, clock: FrozenClock, outbox: MemorySender
):
    enrol(bea, clock)
    answer = reset_mfa(ada, id_of(bea))

    assert (answer.status_code, answer.get_json()) == (200, {"message": "MFA has been reset"})
    assert bea.use().status_code == 401
    assert bea.log_in(BEA).get_json()["mfaRequired"] is False
    assert events(ada.app, "account:mfa:changed")[-1].details == {"change": "reset", "by": 1}
    notice = next(message for message in reversed(outbox.messages) if message.recipient == BEA)
    assert "an administrator has reset the second factor" in notice.text


def test_administrator_resets_a_second_factor_that_is_only_asked_for(
    ada: EntryGuardClient, bea: EntryGuardClient, clock: FrozenClock
):
    enrol(bea, clock)
    change_user(ada.app, mfa_enabled=False, attributes={"mfa_required": True})
    assert bea.another_device().log_in(BEA).get_json()["mfaChallengeToken"]
    assert reset_mfa(ada, id_of(bea)).status_code == 200
    assert bea.log_in(BEA).get_json()["mfaSetupRequired"] is True
    assert events(ada.app, "account:mfa:changed")[-1].details == {"change": "reset", "by": 1}


def test_nothing_to_reset_is_a_bad_request(ada: EntryGuardClient, bea: EntryGuardClient):
    assert_refused(reset_mfa(ada, id_of(bea)), 400, "MFA is not enabled")
    assert "account:mfa:changed" not in event_kinds(ada.app)


def test_people_elsewhere_are_as_unknown_as_people_who_do_not_exist(
    ada: EntryGuardClient, clock: FrozenClock
):
    eve = ada.another_device()
    eve.sign_up("eve@example.test", "Other")
    enrol(eve, clock)
    user_id, seen = id_of(eve), event_kinds(ada.app)

    assert_refused(reset_mfa(ada, user_id), 404, "Not found.")
    assert_refused(reset_mfa(ada, uuid4()), 404, "Not found.")
    assert eve.get(f"{BASE}/me").get_json()["mfaEnabled"] is True
    assert event_kinds(ada.app) == seen


def test_person_of_two_organizations_is_not_for_one_of_them_to_reset(
    ada: EntryGuardClient, bea: EntryGuardClient, clock: FrozenClock
):
    enrol(bea, clock)
    organizations = runtime_of(ada.app).engine.organizations
    organizations.create(slug="other", name="Other")
    organizations.add_member("other", 2)
    seen = event_kinds(ada.app)

    assert_refused(reset_mfa(ada, id_of(bea)), 403)
    assert bea.get(f"{BASE}/me").get_json()["mfaEnabled"] is True
    assert event_kinds(ada.app) == seen


def test_member_resets_nobody_and_an_administrator_not_themselves(
    ada: EntryGuardClient, bea: EntryGuardClient, clock: FrozenClock
):
    enrol(ada, clock)
    seen = event_kinds(ada.app)

    assert_refused(reset_mfa(bea, id_of(ada)), 403)
    assert_refused(reset_mfa(ada, id_of(ada)), 403)
    assert ada.get(f"{BASE}/me").get_json()["mfaEnabled"] is True
    assert event_kinds(ada.app) == seen
    assert reset_mfa(EntryGuardClient(ada.app, ada.transport), id_of(ada)).status_code == 401
