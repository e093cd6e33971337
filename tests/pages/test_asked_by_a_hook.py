"""A host application that asks before every request who is there: the pages and contracts go on from that."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask, g

from app import visitor
from app.primitives.clock import FrozenClock
from tests.clients import AuthClient
from tests.conftest import AppFor
from tests.pages.browser import ORIGIN, Browser
from tests.pages.conftest import PASSWORD, sign_in, sign_up
from tests.rows import all_sessions, event_kinds

LONG = timedelta(hours=2)


def asking(app: Flask) -> Flask:
    @app.before_request
    def ask():
        g.who = visitor()

    @app.errorhandler(404)
    def not_found(_error):
        visitor()
        return "The shop has no such thing", 404

    return app


@pytest.fixture(params=["30", "0"], ids=["grace", "strict"])
def ada(request: pytest.FixtureRequest, new_app_for: AppFor) -> Browser:
    return sign_up(Browser(asking(new_app_for(refresh_grace_seconds=request.param))))


def test_page_with_an_expired_access_token_presents_the_refresh_token_once(ada: Browser, clock: FrozenClock):
    clock.advance(LONG)

    ada.open("/account/sessions")

    assert ada.path == "/account/sessions"
    assert [(row.generation, row.revoked_at) for row in all_sessions(ada.app)] == [(2, None)]
    assert "session:refresh:repeated" not in event_kinds(ada.app)
    assert ada.open("/account/").path == "/account/"


def test_sign_out_clears_the_cookies(ada: Browser, clock: FrozenClock):
    clock.advance(LONG)

    ada.send("/account/sign-out", {})

    assert given(ada) == {"accessToken": "", "refreshToken": "", "nest_auth_remember": ""}
    assert [row.revoked_reason for row in all_sessions(ada.app)] == ["logout"]
    assert "You are signed out." in ada.text


def test_signing_in_as_somebody_else_gives_the_cookies_of_the_new_session(ada: Browser, clock: FrozenClock):
    sign_up(Browser(ada.app), email="eve@example.test", name="Eve")
    clock.advance(LONG)

    ada.send("/account/sign-in", {"email": "eve@example.test", "password": PASSWORD})

    assert "Eve" in ada.open("/account/").text
    assert [row.revoked_reason for row in all_sessions(ada.app) if row.user_id == 1] == ["replaced"]


def test_request_that_is_not_there_refreshes_once(ada: Browser, clock: FrozenClock):
    clock.advance(LONG)

    assert ada.open("/nothing").answer.text == "The shop has no such thing"
    assert [(row.generation, row.revoked_at) for row in all_sessions(ada.app)] == [(2, None)]


def test_refresh_call_answers_with_what_the_hook_was_given(new_app_for: AppFor, clock: FrozenClock):
    app = asking(new_app_for(access_token_type="cookie", refresh_grace_seconds="0"))
    ada = sign_up(Browser(app))
    clock.advance(LONG)

    for generation in (2, 3):
        answer = ada.client.post("/auth/refresh-token", json={}, base_url=ORIGIN, headers={"Origin": ORIGIN})
        assert answer.status_code == 200
        assert len([value for value in set_cookies(answer) if value.startswith("refreshToken=")]) == 1
        assert [(row.generation, row.revoked_at) for row in all_sessions(app)] == [(generation, None)]
        ada.forget("accessToken")

    assert event_kinds(app)[-1] == "session:login:succeeded"
    assert ada.open("/account/").path == "/account/"


def test_refresh_token_in_the_body_is_not_that_of_the_cookies(new_app_for: AppFor, clock: FrozenClock):
    app = asking(new_app_for(access_token_type="client"))
    ada, phone = sign_up(Browser(app)), Browser(app)
    sign_in(phone)
    clock.advance(LONG)

    answer = ada.client.post(
        "/auth/refresh-token",
        json={"refreshToken": phone.cookie("refreshToken")},
        base_url=ORIGIN,
        headers={"Origin": ORIGIN},
    )

    assert answer.status_code == 200
    assert {row.generation for row in all_sessions(app)} == {2}
    assert answer.get_json()["refreshToken"] != ada.cookie("refreshToken")


def test_device_without_cookies_is_asked_for_no_double_submit(new_app_for: AppFor):
    app = asking(new_app_for(access_token_type="client", csrf_double_submit="true"))
    phone = AuthClient(app, "header")

    assert phone.sign_up().status_code == 200
    refresh_token, phone.access_token = phone.refresh_token, None
    assert phone.refresh().status_code == 200

    assert phone.refresh_token != refresh_token
    assert [(row.generation, row.revoked_at) for row in all_sessions(app)] == [(2, None)]


@pytest.mark.parametrize("wraps", [asking, lambda app: app], ids=["hook", "no hook"])
def test_form_of_a_stranger_is_asked_for_it(new_app_for: AppFor, wraps: Callable[[Flask], Flask]):
    app = wraps(new_app_for(csrf_double_submit="true"))
    sign_up(Browser(app))
    stranger = Browser(app)

    stranger.send("/account/sign-in", {"email": "ada@example.test", "password": PASSWORD})

    assert stranger.answer.status_code == 403
    assert stranger.cookie("refreshToken") is None
    assert len(all_sessions(app)) == 1
    assert event_kinds(app)[-1] == "session:login:succeeded"
    assert sign_in(stranger).path == "/account/"


def test_form_that_token_cookies_come_with_is_asked_for_it(new_app_for: AppFor, clock: FrozenClock):
    app = asking(new_app_for(csrf_double_submit="true"))
    ada = sign_up(Browser(app))
    clock.advance(LONG)

    assert ada.send("/account/sign-out", {}).first.status_code == 403
    assert [(row.generation, row.revoked_at) for row in all_sessions(app)] == [(1, None)]

    ada.send("/account/sign-out", {"csrf_token": ada.cookie("nest_auth_csrf") or ""})
    assert [row.revoked_reason for row in all_sessions(app)] == ["logout"]


def given(browser: Browser) -> dict[str, str]:
    pairs = (value.split(";")[0].partition("=") for value in set_cookies(browser.first))
    return {name: value for name, _, value in pairs}


def set_cookies(answer) -> list[str]:
    return answer.headers.getlist("Set-Cookie")
