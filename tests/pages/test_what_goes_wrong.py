"""Pages for strangers, for broken requests and for broken services: clear, private, and without a 500."""

import io
import re
import sqlite3
from contextlib import closing
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import event

from app.engine.events import EventKind
from app.extensions import db
from app.pages import texts
from app.primitives.clock import FrozenClock
from tests.conftest import AppFor
from tests.pages.browser import ORIGIN, Browser
from tests.pages.conftest import PASSWORD, sign_in, sign_up
from tests.rows import all_sessions, event_kinds

# Nothing listens on this port.
NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/keyturn_nowhere"
OPEN = ("sign-in", "sign-up", "forgotten-password", "reset-password", "accept-invitation")


def rules(app: Flask, method: str) -> list[str]:
    """Return the path of every page that takes a method, with ids filled in."""
    found = [
        rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("pages.") and method in (rule.methods or set())
    ]
    paths = [re.sub(r"<uuid:\w+>", str(uuid4()), rule.rule) for rule in found]
    return [path for path in paths if "<" not in path]


def test_every_page_has_its_headers(ada: Browser):
    for path in [*rules(ada.app, "GET"), "/account/nothing"]:
        headers = ada.client.get(path, base_url=ORIGIN).headers
        assert headers["Cache-Control"] == "no-store", path
        assert "Cookie" in headers["Vary"], path
        if "Location" not in headers:
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy, path
            assert "script-src" not in policy, path
            assert "unsafe" not in policy, path
            assert headers["Referrer-Policy"] == "same-origin", path
        assert headers["X-Content-Type-Options"] == "nosniff", path


def test_no_page_has_a_script_or_a_style_of_its_own(ada: Browser):
    for path in rules(ada.app, "GET"):
        page = ada.open(path).answer.text
        assert "<script" not in page, path
        assert " style=" not in page, path
        assert not re.search(r"\son\w+=", page), path


def test_style_sheet_may_be_kept_and_asked_about(browser: Browser):
    first = browser.client.get("/account/static/keyturn.css", base_url=ORIGIN)
    first.close()
    again = browser.client.get(
        "/account/static/keyturn.css", base_url=ORIGIN, headers={"If-None-Match": first.headers["ETag"]}
    )

    again.close()
    assert first.headers["Cache-Control"] == "no-cache"
    assert again.status_code == 304


def test_strangers_are_led_to_the_sign_in_from_everywhere_else(browser: Browser):
    for path in set(rules(browser.app, "GET")) - {f"/account/{name}" for name in OPEN}:
        assert browser.open(path).path.startswith("/account/sign-in"), path


def test_forms_of_another_origin_change_nothing(ada: Browser):
    (before,) = all_sessions(ada.app)
    kinds = event_kinds(ada.app)
    token = {
        "csrf_token": ada.cookie("nest_auth_csrf") or "",
        "email": "ada@example.test",
        "password": PASSWORD,
    }

    for path in rules(ada.app, "POST"):
        for origin in ("https://evil.example", "null", "https://keyturn.example.evil.example"):
            answer = ada.client.post(path, data=token, base_url=ORIGIN, headers={"Origin": origin})
            assert answer.status_code == 403, path
            assert "Set-Cookie" not in answer.headers, path

    assert all_sessions(ada.app)[0].generation == before.generation
    assert event_kinds(ada.app) == kinds


def test_same_site_neighbour_may_not_send_forms_either(ada: Browser):
    headers = {"Sec-Fetch-Site": "same-site", "Origin": "https://evil.keyturn.example"}

    assert ada.client.post("/account/sign-out", base_url=ORIGIN, headers=headers).status_code == 403
    assert [row.revoked_at for row in all_sessions(ada.app)] == [None]


def test_double_submit_asks_every_form_for_its_value(app_for: AppFor):
    ada = sign_up(Browser(app_for(csrf_double_submit="true")))
    (before,) = all_sessions(ada.app)

    for path in rules(ada.app, "POST"):
        answer = ada.send(path, {"email": "ada@example.test", "password": PASSWORD}).answer
        assert answer.status_code == 403, path

    assert all_sessions(ada.app)[0].revoked_at is before.revoked_at is None


def test_several_open_forms_stay_usable_with_double_submit(app_for: AppFor, clock: FrozenClock):
    ada = sign_up(Browser(app_for(csrf_double_submit="true")))
    first = ada.open("/account/").answer.text
    value = re.search(r'name="csrf_token" value="([^"]+)"', first)
    ada.open("/account/sessions").open("/account/activity")

    assert value is not None
    ada.send("/account/name", {"name": "Countess", "csrf_token": value[1]})

    assert "Your name is changed." in ada.text


@pytest.mark.parametrize(
    ("body", "mimetype", "status"),
    [
        (b'{"email": "a"}', "application/json", 415),
        (b"email=a&email=b&password=c", "application/x-www-form-urlencoded", 422),
        (b"email=%zz", "application/x-www-form-urlencoded", 422),
        (b"email=%ff%fe", "application/x-www-form-urlencoded", 422),
        (b"email=a%00b&password=c", "application/x-www-form-urlencoded", 422),
        (b"&".join(b"x%d=1" % number for number in range(100)), "application/x-www-form-urlencoded", 422),
        (b"x" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"", "application/x-www-form-urlencoded", 422),
    ],
)
def test_form_that_cannot_be_read_is_refused_as_a_page(app: Flask, body: bytes, mimetype: str, status: int):
    headers = {"Origin": ORIGIN}
    client = app.test_client()
    if app.extensions["keyturn"].settings.cookies.csrf_double_submit:
        value = Browser(app).open("/account/sign-in").cookie("nest_auth_csrf") or ""
        client.set_cookie("nest_auth_csrf", value, domain="keyturn.example")
        headers["X-CSRF-Token"] = value

    answer = client.post(
        "/account/sign-in", data=body, content_type=mimetype, base_url=ORIGIN, headers=headers
    )

    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert "Traceback" not in answer.text


def test_database_that_is_away_is_503_and_keeps_the_cookies(app_for: AppFor, clock: FrozenClock):
    ada = sign_up(Browser(app_for()))
    stranded = Browser(app_for(database_url=NOWHERE))
    for name in ("accessToken", "refreshToken"):
        stranded.client.set_cookie(name, ada.cookie(name) or "", domain="keyturn.example")

    shown = stranded.open("/account/").answer
    sent = stranded.send("/account/sign-out", {}).answer

    for answer in (shown, sent):
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert "Set-Cookie" not in answer.headers
        assert "still signed in" in answer.text
    assert ada.open("/account/").path == "/account/"


SIGN_UP = f"email=ada@example.test&password={PASSWORD.replace(' ', '+')}&name=Ada".encode()


@pytest.mark.parametrize(
    ("body", "said_of_it", "status"),
    [
        (SIGN_UP.ljust(200_000, b"a"), {"HTTP_TRANSFER_ENCODING": "chunked"}, 413),
        (SIGN_UP, {"CONTENT_LENGTH": str(len(SIGN_UP) + 1)}, 400),
    ],
)
def test_form_that_is_cut_within_a_field_makes_no_account(
    app: Flask, body: bytes, said_of_it: dict[str, str], status: int
):
    browser = Browser(app).open("/account/sign-up")

    answer = browser.client.post(
        "/account/sign-up",
        input_stream=io.BytesIO(body),
        content_type="application/x-www-form-urlencoded",
        base_url=ORIGIN,
        headers={"Origin": ORIGIN, "X-CSRF-Token": browser.cookie("nest_auth_csrf") or ""},
        environ_overrides={"wsgi.input_terminated": True, **said_of_it},
    )

    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert event_kinds(app) == []


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("path", ["sessions/end-others", "second-factors/on", "confirm"])
def test_form_on_a_locked_database_is_503_although_its_page_cannot_be_shown(new_app_for: AppFor, path: str):
    ada = sign_up(Browser(new_app_for()))
    kinds = event_kinds(ada.app)
    with ada.app.app_context():
        name = db.engine.url.database or ""
        db.engine.dispose()
        event.listen(db.engine, "connect", lambda made, _: made.execute("PRAGMA busy_timeout=50").close())

    with closing(sqlite3.connect(name, isolation_level=None)) as backup:
        backup.execute("BEGIN IMMEDIATE")
        answer = ada.send(f"/account/{path}", {"secret": PASSWORD}).first

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "Set-Cookie" not in answer.headers
    assert "Nothing was changed." in answer.text
    assert all_sessions(ada.app)[0].generation == 1
    assert event_kinds(ada.app) == kinds


def test_too_many_tries_are_429_and_say_when(app_for: AppFor):
    browser = Browser(app_for(rate_limit_login="2 per minute"))

    for _ in range(3):
        sign_in(browser, password="wrong")

    assert browser.answer.status_code == 429
    assert int(browser.answer.headers["Retry-After"]) >= 1
    assert "Wait a while" in browser.text


def test_failure_gives_a_reference_and_nothing_else(new_app_for: AppFor, caplog: pytest.LogCaptureFixture):
    app = new_app_for()
    app.view_functions["pages.signing_in.sign_in"] = lambda: 1 / 0
    answer = Browser(app).open("/account/sign-in").answer

    assert answer.status_code == 500
    reference = re.search(r"<code>(\w+)</code>", answer.text)
    assert reference
    assert reference[1] in caplog.text
    assert "ZeroDivisionError" not in answer.text


def test_page_that_is_not_there_is_404_as_a_page(browser: Browser):
    answer = browser.open("/account/nothing/at/all").answer

    assert answer.status_code == 404
    assert "Not Found" in answer.text


def test_every_event_and_notice_has_a_text():
    unnamed = set(EventKind) - set(texts.EVENTS)

    assert {kind.partition(":")[0] for kind in unnamed} <= {"organization", "client"}
