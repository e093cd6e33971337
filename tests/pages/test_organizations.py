"""Switching to another organization: new rights at once, and none of the tokens of before."""

from uuid import UUID, uuid4

from flask import Flask

from tests.conftest import runtime_of
from tests.pages.browser import ORIGIN, Browser
from tests.pages.conftest import sign_up
from tests.rows import all_sessions, claims_of, event_kinds


def join(app: Flask, *slugs: str, user_id: int = 1) -> list[UUID]:
    with app.app_context():
        organizations = runtime_of(app).engine.organizations
        for slug in slugs:
            organizations.create(slug=slug, name=slug.title())
            organizations.add_member(slug, user_id)
        return [organizations.find(slug).id for slug in slugs]


def switch_button(browser: Browser, name: str) -> str:
    (button,) = [button for button in browser.buttons if button.startswith("Switch") and name in button]
    return button


def test_switch_changes_the_active_organization_and_the_tokens(ada: Browser):
    _, other = join(ada.app, "first", "second")
    ada.open("/account/organizations")

    ada.submit(switch_button(ada, "Second"))

    assert "Second active" in ada.text
    assert claims_of(ada.cookie("accessToken"))["tenantId"] == str(other)
    assert [row.organization_id for row in all_sessions(ada.app)] == [other]
    assert event_kinds(ada.app)[-1] == "session:organization:switched"


def test_tokens_of_before_are_invalid_at_once(ada: Browser):
    join(ada.app, "first")
    old = {name: ada.cookie(name) or "" for name in ("accessToken", "refreshToken")}
    ada.open("/account/organizations").submit(switch_button(ada, "First"))
    late = Browser(ada.app)
    for name, value in old.items():
        late.client.set_cookie(name, value, domain="keyturn.example")

    assert late.open("/account/").path.startswith("/account/sign-in")
    assert ada.open("/account/").path == "/account/"
    assert [row.revoked_at for row in all_sessions(ada.app)] == [None]


def test_only_active_organizations_of_ones_own_can_be_switched_to(ada: Browser):
    sign_up(Browser(ada.app), email="eve@example.test")
    (hers,) = join(ada.app, "theirs", user_id=2)
    (closed,) = join(ada.app, "closed")
    with ada.app.app_context():
        runtime_of(ada.app).engine.organizations.suspend("closed")
    token = {"csrf_token": ada.cookie("nest_auth_csrf") or ""}
    before = ada.cookie("accessToken")

    for organization_id in (hers, closed, uuid4()):
        answer = ada.send(f"/account/organizations/{organization_id}/use", token).answer
        assert answer.status_code == 404

    assert ada.cookie("accessToken") == before
    assert all_sessions(ada.app)[0].organization_id is None
    assert "session:organization:switched" not in event_kinds(ada.app)


def test_session_goes_with_its_suspended_organization(ada: Browser):
    join(ada.app, "first")
    ada.open("/account/organizations").submit(switch_button(ada, "First"))
    with ada.app.app_context():
        runtime_of(ada.app).engine.organizations.suspend("first")

    assert ada.open("/account/").path.startswith("/account/sign-in")


def test_switch_needs_a_form_of_our_own(ada: Browser):
    (own,) = join(ada.app, "first")

    answer = ada.client.post(
        f"/account/organizations/{own}/use", base_url=ORIGIN, headers={"Origin": "https://evil.example"}
    )

    assert answer.status_code == 403
    assert all_sessions(ada.app)[0].organization_id is None
