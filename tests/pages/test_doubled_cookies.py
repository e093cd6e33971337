"""A cookie that comes twice was tossed in by a neighbour. It costs nobody a session, and nothing fails."""

from dataclasses import astuple
from datetime import timedelta

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.delivery import MemorySender
from app.http.operations import declared_operation
from app.primitives.clock import FrozenClock
from tests.conftest import AppFor, runtime_of
from tests.pages.browser import ORIGIN, Browser
from tests.pages.conftest import PASSWORD, sign_up
from tests.pages.test_signing_in import invitation_for_eve
from tests.pages.test_what_goes_wrong import rules
from tests.rows import all_sessions, change_user, event_kinds

NAMES = ("accessToken", "refreshToken", "nest_auth_remember", "nest_auth_csrf", "nest_auth_device_trust")
TOKENS = ("accessToken", "refreshToken")
# With a blank, so that no random value on a page spells it.
EVE = "Eve Adams"
EVERYTHING = "nest_auth,entryguard,seven_g,regardingwork_hub,falcon_alert@/falcon,oauth2"


def header_of(browser: Browser, doubled: str, *, without: str = "") -> str:
    """Return the browser's cookies with one of them before its own, as from a neighbouring host."""
    own = [f"{name}={value}" for name in NAMES if name != without and (value := browser.cookie(name))]
    return "; ".join([f"{doubled}=tossed", f"{doubled}={browser.cookie(doubled) or 'another'}", *own])


def ask(browser: Browser, path: str, cookies: str, **form: str) -> TestResponse:
    client = browser.app.test_client(use_cookies=False)
    headers = {"Cookie": cookies, "Origin": ORIGIN}
    if not form:
        return client.get(path, base_url=ORIGIN, headers=headers)
    return client.post(path, data=form, base_url=ORIGIN, headers=headers)


def set_cookie(answer: TestResponse, name: str) -> str | None:
    given = answer.headers.getlist("Set-Cookie")
    return next((value for value in given if value.startswith(f"{name}=")), None)


def test_doubled_marker_counts_as_not_to_be_remembered(ada: Browser, clock: FrozenClock):
    clock.advance(timedelta(hours=2))

    answer = ask(ada, "/account/sessions", header_of(ada, "nest_auth_remember", without="accessToken"))

    assert answer.status_code == 200
    refresh = set_cookie(answer, "refreshToken")
    assert refresh is not None
    assert "Max-Age" not in refresh
    assert [row.generation for row in all_sessions(ada.app)] == [2]


def test_doubled_marker_costs_no_token_at_the_refresh_call(app_for: AppFor, clock: FrozenClock):
    ada = sign_up(Browser(app_for(access_token_type="cookie")))

    answer = ada.app.test_client(use_cookies=False).post(
        "/auth/refresh-token",
        json={},
        base_url=ORIGIN,
        headers={"Cookie": header_of(ada, "nest_auth_remember"), "Origin": ORIGIN},
    )

    assert answer.status_code == 200
    assert "Max-Age" not in (set_cookie(answer, "refreshToken") or "")


def test_doubled_csrf_cookie_is_as_none(app_for: AppFor):
    ada = sign_up(Browser(app_for(csrf_double_submit="true")))
    cookies = header_of(ada, "nest_auth_csrf")

    sent = ask(ada, "/account/name", cookies, name=EVE, csrf_token=ada.cookie("nest_auth_csrf") or "")
    shown = ask(ada, "/account/", cookies)

    assert sent.status_code == 403
    assert "out of date" in sent.text
    assert EVE not in shown.text
    assert shown.status_code == 200
    assert set_cookie(shown, "nest_auth_csrf")


@pytest.mark.parametrize("name", TOKENS)
def test_doubled_token_cookie_is_refused_and_changes_nothing(ada: Browser, name: str, clock: FrozenClock):
    clock.advance(timedelta(hours=2))
    before, kinds = all_sessions(ada.app)[0].generation, event_kinds(ada.app)
    without = "" if name == "accessToken" else "accessToken"
    form = {
        "csrf_token": ada.cookie("nest_auth_csrf") or "",
        "email": "ada@example.test",
        "password": PASSWORD,
    }

    for path in rules(ada.app, "POST"):
        answer = ask(ada, path, header_of(ada, name, without=without), **form)
        assert 400 <= answer.status_code < 500, path
        assert not any(set_cookie(answer, token) for token in TOKENS), path

    assert all_sessions(ada.app)[0].generation == before
    assert event_kinds(ada.app) == kinds


@pytest.mark.parametrize("name", ["refreshToken", "nest_auth_device_trust"])
def test_invitation_is_not_spent_on_a_request_that_is_refused(ada: Browser, outbox: MemorySender, name: str):
    link = invitation_for_eve(ada, outbox)
    token = link.partition("token=")[2]
    form = {"csrf_token": ada.cookie("nest_auth_csrf") or "", "token": token, "password": PASSWORD}

    refused = ask(ada, "/account/accept-invitation", header_of(ada, name), **form)

    assert refused.status_code == 422
    assert Browser(ada.app).open(link).submit("Accept", password=PASSWORD).path == "/account/"


def test_no_cookie_header_makes_anything_fall_over(app_for: AppFor, clock: FrozenClock):
    app = app_for(contracts=EVERYTHING, access_token_type="cookie", csrf_double_submit="true")
    ada = sign_up(Browser(app))
    change_user(app, attributes={"permissions": ["users.invite"]})
    clock.advance(timedelta(hours=2))

    for path, method, names in addresses(app):
        for name in names:
            answer = app.test_client(use_cookies=False).open(
                path,
                method=method,
                base_url=ORIGIN,
                headers={"Cookie": f"{header_of(ada, name)}; \xff\x01=\xe9; =;;"},
            )
            assert answer.status_code < 500, (method, path, name)


def addresses(app: Flask) -> list[tuple[str, str, list[str]]]:
    """Return every page and operation, reading ones first, with the names of its contract's cookies."""
    pages = [(path, method, list(NAMES)) for method in ("GET", "POST") for path in rules(app, method)]
    mounts = runtime_of(app).mounts
    operations = [
        (rule.rule.partition("<")[0], method, [name for name in astuple(mount.cookies.names) if name])
        for rule in app.url_map.iter_rules()
        if declared_operation(app.view_functions[rule.endpoint])
        for mount in [mounts[rule.endpoint.split(".")[0]]]
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]
    assert len({mount for _, _, (mount, *_) in operations}) == len(mounts)
    return sorted([*pages, *operations], key=lambda address: address[1] != "GET")
