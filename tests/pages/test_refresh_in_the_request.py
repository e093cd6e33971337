"""An expired access cookie with a live refresh cookie: the page is there at once, with fresh cookies."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask, jsonify, redirect, request

from app import signed_in, visitor
from app.primitives.clock import FrozenClock
from tests.conftest import AppFor, on_every_database
from tests.pages.browser import ORIGIN, Browser
from tests.pages.conftest import PASSWORD, sign_up
from tests.rows import all_sessions, change_user, event_kinds

HOUR = timedelta(hours=1)


def host(app: Flask) -> Flask:
    """A host application's own views on the same application."""

    @app.get("/reports")
    @signed_in
    def reports():
        return f"Reports for {visitor().person.name}"

    @app.post("/reports")
    @signed_in
    def add_report():
        return jsonify(added=request.form["title"], by=visitor().person.name)

    @app.get("/front")
    def front():
        found = visitor()
        return "Hello stranger" if found is None else f"Hello {found.person.name}"

    @app.post("/leave")
    def leave():
        # A host's own way out, over the contract's cookies, after a guard has refreshed the session.
        visitor()
        response = redirect("/front")
        response.delete_cookie("accessToken")
        response.delete_cookie("refreshToken")
        return response

    return app


@pytest.fixture
def browser(csrf_double_submit: str, new_app_for: AppFor) -> Browser:
    return Browser(host(new_app_for(csrf_double_submit=csrf_double_submit)))


def test_expired_access_token_renders_the_page_and_brings_fresh_cookies(ada: Browser, clock: FrozenClock):
    before = ada.cookie("refreshToken")
    clock.advance(2 * HOUR)

    ada.open("/reports")

    assert ada.answer.text == "Reports for Ada"
    assert ada.cookie("refreshToken") != before
    assert "no-store" in ada.answer.headers["Cache-Control"]
    assert "Cookie" in ada.answer.headers["Vary"]
    assert [row.generation for row in all_sessions(ada.app)] == [2]


def test_good_access_token_brings_no_cookies(ada: Browser):
    ada.open("/reports")

    assert ada.answer.text == "Reports for Ada"
    assert "Set-Cookie" not in ada.answer.headers


def test_post_with_an_expired_access_token_is_not_lost(ada: Browser, clock: FrozenClock):
    clock.advance(2 * HOUR)

    ada.send("/reports", {"title": "Mine", **csrf(ada)})

    assert ada.answer.get_json() == {"added": "Mine", "by": "Ada"}
    assert [row.generation for row in all_sessions(ada.app)] == [2]


def test_post_of_another_origin_changes_nothing(ada: Browser, clock: FrozenClock):
    clock.advance(2 * HOUR)
    before = ada.cookie("refreshToken")

    ada.send("/reports", {"title": "Theirs", **csrf(ada)}, Origin="https://evil.example")

    assert ada.answer.status_code == 403
    assert ada.cookie("refreshToken") == before
    assert [row.generation for row in all_sessions(ada.app)] == [1]


@on_every_database
def test_ten_fragments_of_one_page_converge(new_app_for: AppFor, clock: FrozenClock):
    app = host(new_app_for())
    ada = sign_up(Browser(app))
    clock.advance(2 * HOUR)
    cookies = f"accessToken={ada.cookie('accessToken')}; refreshToken={ada.cookie('refreshToken')}"

    def fragment(_number: int):
        client = app.test_client(use_cookies=False)
        return client.get("/reports", base_url=ORIGIN, headers={"Cookie": cookies})

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(fragment, range(10)))

    assert {answer.status_code for answer in answers} == {200}
    given = {
        value.split(";")[0].partition("=")[2].rsplit(".", 1)[0].split(".")[0]
        for answer in answers
        for value in answer.headers.getlist("Set-Cookie")
        if value.startswith("refreshToken=")
    }
    assert len(given) == 1
    assert [(row.generation, row.revoked_at) for row in all_sessions(app)] == [(2, None)]


def test_answer_that_clears_the_cookies_is_not_undone_by_a_refresh(ada: Browser, clock: FrozenClock):
    clock.advance(2 * HOUR)

    ada.send("/leave", csrf(ada))

    set_cookies = [value.split(";")[0] for value in ada.answer.headers.getlist("Set-Cookie")]
    assert "refreshToken=" in set_cookies
    assert not [value for value in set_cookies if value.startswith("refreshToken=ey")]
    assert ada.cookie("refreshToken") is None


def test_no_refresh_after_logout(ada: Browser, clock: FrozenClock):
    stale = ada.cookie("refreshToken")
    ada.open("/account/").submit("Sign out")
    clock.advance(2 * HOUR)
    ada.client.set_cookie("refreshToken", stale, domain="keyturn.example")

    ada.open("/reports")

    assert ada.path.startswith("/account/sign-in")
    assert ada.cookie("refreshToken") is None
    assert [row.generation for row in all_sessions(ada.app)] == [1]


def test_form_shown_when_a_session_turns_out_to_be_over_can_be_sent(ada: Browser):
    browser = Browser(ada.app)
    for name in ("accessToken", "refreshToken", "nest_auth_csrf"):
        browser.client.set_cookie(name, ada.cookie(name) or "", domain="keyturn.example")
    ada.submit("Sign out")

    browser.open("/account/sign-in")
    assert browser.cookie("refreshToken") is None
    browser.submit("Sign in", email="ada@example.test", password=PASSWORD)

    assert browser.answer.status_code == 200
    assert browser.path == "/account/"


def test_late_request_of_the_session_before_leaves_the_cookies_of_the_new_one(ada: Browser):
    old = {"Accept": "text/html", "Cookie": f"refreshToken={ada.cookie('refreshToken')}"}
    ada.send("/account/sign-in", {"email": "ada@example.test", "password": PASSWORD, **csrf(ada)})

    late = ada.app.test_client(use_cookies=False).get("/reports", base_url=ORIGIN, headers=old)

    assert late.status_code == 303
    assert late.location.startswith("/account/sign-in")
    assert "Set-Cookie" not in late.headers
    assert [row.revoked_reason for row in all_sessions(ada.app)].count("replaced") == 1
    assert event_kinds(ada.app)[-1] == "session:login:succeeded"


def test_token_that_comes_back_later_ends_the_session_and_tells_the_person(
    ada: Browser, clock: FrozenClock, outbox
):
    stolen = ada.cookie("refreshToken")
    for _ in range(3):
        clock.advance(2 * HOUR)
        ada.open("/reports")
    thief = Browser(ada.app)
    thief.client.set_cookie("refreshToken", stolen, domain="keyturn.example")

    thief.open("/reports")

    assert thief.path.startswith("/account/sign-in")
    assert [row.revoked_reason for row in all_sessions(ada.app)] == ["reuse"]
    assert event_kinds(ada.app)[-1] == "session:refresh:reused"
    assert ada.open("/reports").path.startswith("/account/sign-in")


def test_stranger_is_led_to_the_sign_in_and_back(browser: Browser):
    sign_up(browser).submit("Sign out").open("/reports?month=3")
    assert browser.path == "/account/sign-in?next=%2Freports%3Fmonth%3D3"

    browser.submit("Sign in", email="ada@example.test", password=PASSWORD)

    assert browser.answer.text == "Reports for Ada"


def test_fetch_is_told_401_and_not_led_anywhere(browser: Browser):
    for path in ("/reports", "/account/"):
        browser.open(path, **{"Sec-Fetch-Mode": "cors"})

        assert browser.answer.status_code == 401
        assert browser.answer.headers["WWW-Authenticate"] == "Bearer"


def test_open_view_may_ask_who_is_there(browser: Browser):
    assert browser.open("/front").answer.text == "Hello stranger"

    assert sign_up(browser).open("/front").answer.text == "Hello Ada"


def test_pending_and_overdue_people_are_not_signed_in_yet(ada: Browser):
    change_user(ada.app, must_change_password=True)

    assert ada.open("/front").answer.text == "Hello stranger"
    assert ada.open("/reports").path.startswith("/account/password?next=%2Freports")


def test_cookie_that_came_twice_is_refused_and_kept(ada: Browser):
    ada.client.get("/front", base_url=ORIGIN)
    cookies = f"refreshToken=tossed; refreshToken={ada.cookie('refreshToken')}"
    client = ada.app.test_client(use_cookies=False)

    answer = client.get("/reports", base_url=ORIGIN, headers={"Cookie": cookies})

    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers


def test_garbage_is_no_session_and_clears_nothing(browser: Browser):
    browser.client.set_cookie("refreshToken", "garbage", domain="keyturn.example")
    browser.client.set_cookie("accessToken", "garbage", domain="keyturn.example")

    assert browser.open("/reports").path.startswith("/account/sign-in")
    assert browser.cookie("refreshToken") == "garbage"


def test_request_from_before_a_change_of_rights_does_not_clear_the_cookies_of_after(
    ada: Browser, clock: FrozenClock
):
    old = ada.cookie("refreshToken")
    ada.open("/account/confirm").submit("Continue", secret=PASSWORD)
    late = ada.app.test_client(use_cookies=False)

    answer = late.get(
        "/reports", base_url=ORIGIN, headers={"Accept": "text/html", "Cookie": f"refreshToken={old}"}
    )

    assert answer.status_code == 303
    assert "Set-Cookie" not in answer.headers
    assert ada.open("/reports").answer.text == "Reports for Ada"


def test_too_many_refreshes_are_429_and_keep_the_cookies(new_app_for: AppFor, clock: FrozenClock):
    ada = sign_up(Browser(host(new_app_for(rate_limit_refresh="1 per minute"))))
    kept = None
    for _ in range(2):
        clock.advance(2 * HOUR)
        kept, _ = ada.cookie("refreshToken"), ada.open("/reports")

    assert ada.answer.status_code == 429
    assert ada.answer.headers["Retry-After"]
    assert ada.cookie("refreshToken") == kept


def test_guard_without_pages_answers_401(new_app_for: AppFor):
    browser = Browser(host(new_app_for(pages="off")))

    assert browser.open("/reports").answer.status_code == 401


def test_cookie_login_over_the_contract_is_a_session_of_the_browser_too(new_app_for: AppFor):
    app = host(new_app_for(access_token_type="cookie"))
    sign_up(Browser(app))
    browser = Browser(app)
    credentials = {"credentials": {"email": "ada@example.test", "password": PASSWORD}}
    browser.client.post("/auth/login", json=credentials, base_url=ORIGIN, headers={"Origin": ORIGIN})

    assert browser.open("/reports").answer.text == "Reports for Ada"


def test_header_mode_of_the_contract_reads_no_cookie_of_the_pages(ada: Browser):
    assert ada.client.get("/auth/me", base_url=ORIGIN).status_code == 401


def csrf(browser: Browser) -> dict[str, str]:
    """Return what a host's own form carries where double submit is on."""
    value = browser.cookie("nest_auth_csrf")
    return {"csrf_token": value} if value else {}
