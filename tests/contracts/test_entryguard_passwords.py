"""entryguard section 9: forgotten and expired passwords, and the rules that an organization sets."""

import re
from datetime import timedelta

import pytest

from app.delivery import MemorySender
from app.primitives.clock import FrozenClock
from tests.clients import ORIGIN, PASSWORD, AuthClient
from tests.conftest import AppFor, runtime_of
from tests.contracts.entryguard_client import BASE, EMAIL, SLUG, EntryGuardClient, assert_refused
from tests.http.wire import stored_rows
from tests.rows import all_sessions, change_user, event_kinds, events

NEW_PASSWORD = "a quite different staple"
LINK = re.compile(r"https://keyturn\.example/reset-password\?token=(\S+)")


@pytest.fixture
def guard(app_for: AppFor, transport: str) -> EntryGuardClient:
    return EntryGuardClient(app_for(contracts="entryguard", access_token_type=transport), transport)


def forget(guard: EntryGuardClient, slug: str = SLUG, email: str = EMAIL, **headers: str):
    body = {"organizationSlug": slug, "email": email}
    return guard.http.post(f"{BASE}/forgot-password", json=body, headers=headers, base_url=ORIGIN)


def token_of(outbox: MemorySender) -> str:
    found = LINK.search(outbox.messages[-1].text)
    assert found is not None
    return found[1]


def reset(guard: EntryGuardClient, token: str, password: str = NEW_PASSWORD):
    return guard.post(f"{BASE}/reset-password", {"token": token, "password": password})


def test_forgotten_password_is_answered_alike_for_members_and_others(
    guard: EntryGuardClient, outbox: MemorySender
):
    guard.sign_up()
    answers = [
        forget(guard, slug, email)
        for slug, email in ((SLUG, EMAIL), ("nowhere", EMAIL), (SLUG, "nobody@example.test"))
    ]
    assert [(answer.status_code, answer.data) for answer in answers] == [(204, b"")] * 3
    assert len({tuple(answer.headers) for answer in answers}) == 1
    assert [message.subject for message in outbox.messages][1:] == ["Reset your password"]


def test_link_is_built_from_the_configured_address_alone(guard: EntryGuardClient, outbox: MemorySender):
    guard.sign_up()
    headers = {
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "host=evil.example",
        "Referer": "https://evil.example",
    }
    forget(guard, **headers)
    guard.http.post(
        f"{BASE}/forgot-password",
        json={"organizationSlug": SLUG, "email": EMAIL},
        headers={"Host": "evil.example"},
        base_url="https://evil.example",
    )
    assert len(outbox.messages) == 3
    for message in outbox.messages:
        assert LINK.search(message.text) or message.subject == "Confirm your e-mail address"
        assert "https://keyturn.example/" in message.text
        assert "evil.example" not in message.text + (message.html or "")


def test_reset_logs_in_once_and_ends_every_other_session(guard: EntryGuardClient, outbox: MemorySender):
    guard.sign_up()
    forget(guard)
    token = token_of(outbox)
    device = guard.another_device()
    answer = reset(device, token)
    assert answer.status_code == 200
    body = answer.get_json()
    assert body["passwordExpired"] is False
    assert body["user"]["organizationSlug"] == SLUG
    assert ("accessToken" in body) == (guard.transport == "header")
    assert guard.refresh().status_code == 401
    assert reset(device, token, PASSWORD).status_code == 401
    assert event_kinds(guard.app)[-1] == "account:code:refused"


def test_opening_the_link_spends_nothing(guard: EntryGuardClient, outbox: MemorySender):
    guard.sign_up()
    forget(guard)
    token = token_of(outbox)
    for path in ("/reset-password", f"{BASE}/reset-password"):
        assert guard.http.get(f"{path}?token={token}", base_url=ORIGIN).status_code in {404, 405}
    assert reset(guard, token).status_code == 200


def test_reset_token_is_void_after_a_newer_request_and_after_an_hour(
    guard: EntryGuardClient, outbox: MemorySender, clock: FrozenClock
):
    guard.sign_up()
    forget(guard)
    former = token_of(outbox)
    forget(guard)
    assert reset(guard, former).status_code == 401
    clock.advance(timedelta(hours=1))
    assert reset(guard, token_of(outbox)).status_code == 401


def set_rules(guard: EntryGuardClient, **rules: object):
    headers = {"Authorization": f"Bearer {guard.access_token}"} if guard.access_token else {}
    return guard.http.patch("/api/v1/organization/settings", json=rules, headers=headers, base_url=ORIGIN)


def test_administrator_sets_the_rules_that_new_passwords_meet(guard: EntryGuardClient):
    guard.sign_up()
    answer = set_rules(guard, passwordMinLength=12, passwordRequireDigit=True)
    assert answer.get_json()["passwordMinLength"] == 12
    refused = guard.post(
        f"{BASE}/change-password", {"currentPassword": PASSWORD, "newPassword": "no digits in here"}
    )
    assert refused.status_code == 422
    details = refused.get_json()["details"]
    assert (details["minLength"], details["requireNumbers"]) == (12, True)
    assert details["violations"] == ["password must contain a digit"]
    assert set_rules(guard, passwordMinLength=7).status_code == 400
    assert "organization:self:changed" in event_kinds(guard.app)


def test_expired_password_is_replaced_before_a_session_is_opened(guard: EntryGuardClient, clock: FrozenClock):
    guard.sign_up()
    set_rules(guard, passwordExpirationDays=30)
    clock.advance(timedelta(days=30))
    device = guard.another_device()
    body = device.log_in().get_json()
    assert body["passwordExpired"] is True
    assert {body[name] for name in ("accessToken", "refreshToken", "expiresIn", "tokenType", "user")} == {
        None
    }
    assert "account:password:expired" in event_kinds(guard.app)

    def change(password: str):
        values = {"passwordChangeToken": body["passwordChangeToken"], "newPassword": password}
        return device.post(f"{BASE}/change-expired-password", values)

    assert change(PASSWORD).status_code == 400
    assert change("12345678").status_code == 422
    assert change(NEW_PASSWORD).get_json()["passwordExpired"] is False
    assert change("yet another staple").status_code == 401
    assert device.log_in(password=NEW_PASSWORD).get_json()["user"]["email"] == EMAIL


def test_password_that_must_be_changed_is_due_as_well(guard: EntryGuardClient):
    guard.sign_up()
    change_user(guard.app, must_change_password=True)
    assert guard.another_device().log_in().get_json()["passwordExpired"] is True


def change_expired(guard: EntryGuardClient, token: str):
    values = {"passwordChangeToken": token, "newPassword": NEW_PASSWORD}
    return guard.keep(guard.post(f"{BASE}/change-expired-password", values))


def test_ending_every_session_ends_a_login_that_waits_for_another_password(guard: EntryGuardClient):
    guard.sign_up()
    change_user(guard.app, must_change_password=True)
    device = guard.another_device()
    token = device.log_in().get_json()["passwordChangeToken"]
    runtime_of(guard.app).engine.sessions.end_all(1, None)

    assert_refused(change_expired(device, token), 401, "token is not valid")

    assert events(guard.app, "account:code:refused")[-1].details == {"purpose": "password-change"}
    assert [row.revoked_at is None for row in all_sessions(guard.app)] == [False]
    token = device.log_in().get_json()["passwordChangeToken"]
    assert change_expired(device, token).status_code == 200


@pytest.mark.parametrize("way", ["reset", "change"])
@pytest.mark.parametrize("transport", ["cookie"])
def test_session_that_the_browser_had_ends_with_a_new_password_too(
    guard: EntryGuardClient, outbox: MemorySender, way: str
):
    guard.sign_up()
    browser = guard.another_device()
    browser.sign_up("bea@example.test", "Other")
    former = browser.current_refresh_token()
    if way == "reset":
        forget(guard)
        answer = reset(browser, token_of(outbox))
    else:
        change_user(guard.app, must_change_password=True)
        answer = change_expired(browser, guard.another_device().log_in().get_json()["passwordChangeToken"])

    assert (answer.status_code, answer.get_json()["user"]["email"]) == (200, EMAIL)
    reasons = {row.revoked_reason for row in all_sessions(guard.app)}
    assert reasons == {"password_changed", "replaced", None}
    assert browser.present(former).status_code == 401


@pytest.mark.parametrize("kept_out", ["suspended", "removed"])
def test_reset_changes_nothing_for_whom_the_organization_lets_in_no_more(
    guard: EntryGuardClient, outbox: MemorySender, kept_out: str
):
    guard.sign_up()
    forget(guard)
    token, organizations = token_of(outbox), runtime_of(guard.app).engine.organizations
    if kept_out == "suspended":
        organizations.suspend(SLUG)
    else:
        organizations.remove_member(SLUG, 1)
    before = stored_rows(guard.app)

    assert_refused(reset(guard, token), 403)

    assert stored_rows(guard.app) == before
    assert event_kinds(guard.app)[-1] == "session:login:refused"
    organizations.reinstate(SLUG)
    organizations.add_member(SLUG, 1)
    assert reset(guard, token).status_code == 200


def test_reset_takes_another_password_where_a_change_is_due(guard: EntryGuardClient, outbox: MemorySender):
    guard.sign_up()
    change_user(guard.app, must_change_password=True)
    forget(guard)
    token, before, seen = token_of(outbox), stored_rows(guard.app), event_kinds(guard.app)

    assert_refused(reset(guard, token, PASSWORD), 400, "new password must differ from the current one")

    assert (stored_rows(guard.app), event_kinds(guard.app)) == (before, seen)
    assert reset(guard, token).get_json()["passwordExpired"] is False


@pytest.mark.parametrize("is_suspended", [False, True])
def test_reset_token_that_leads_into_no_organization_is_refused_and_stays_good(
    app_for: AppFor, transport: str, outbox: MemorySender, *, is_suspended: bool
):
    app = app_for(contracts="nest_auth,entryguard", access_token_type=transport)
    guard, ada = EntryGuardClient(app, transport), AuthClient(app, transport)
    guard.sign_up()
    if is_suspended:
        runtime_of(app).engine.organizations.suspend(SLUG)
    ada.post("/auth/forgot-password", {"email": EMAIL})
    found = re.search(r"\b\d{6}\b", outbox.messages[-1].text)
    assert found is not None
    answer = ada.post("/auth/verify-forgot-password-otp", {"email": EMAIL, "code": found[0]})
    token, before = answer.get_json()["resetToken"], stored_rows(app)

    assert_refused(reset(guard.another_device(), token), 401, "token is not valid")

    assert stored_rows(app) == before
    assert events(app, "account:code:refused")[-1].details == {"purpose": "password-reset"}
    body = {"token": token, "newPassword": NEW_PASSWORD}
    assert ada.post("/auth/reset-password", body).status_code == 200
    assert guard.log_in(password=NEW_PASSWORD).status_code == (403 if is_suspended else 200)


def test_event_of_changed_rules_names_what_changed(guard: EntryGuardClient):
    guard.sign_up()
    for body in ({"mfaRequired": False}, {"passwordMinLength": 12}, {}):
        assert guard.patch("/api/v1/organization/settings", body).status_code == 200

    trail = events(guard.app, "organization:self:changed")
    assert [event.details["fields"] for event in trail] == [["mfa_required"], ["password"]]
