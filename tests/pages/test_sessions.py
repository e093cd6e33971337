"""Where one is signed in: seen, and ended."""

from datetime import timedelta
from uuid import uuid4

from app.primitives.clock import FrozenClock
from tests.pages.browser import Browser
from tests.pages.conftest import PASSWORD, sign_in, sign_up
from tests.rows import all_sessions, event_kinds

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)


def end_button(browser: Browser, device: str) -> str:
    (button,) = [button for button in browser.buttons if button.startswith("End") and device in button]
    return button


def test_list_names_devices_and_marks_this_one(ada: Browser, clock: FrozenClock):
    phone = sign_in(Browser(ada.app, agent=IPHONE))
    clock.advance(timedelta(minutes=5))

    ada.open("/account/sessions")

    assert "Firefox on Linux this one" in ada.text
    assert "Active now from 127.0.0.1" in ada.text
    assert "Mobile Safari on iOS Last seen 5 minutes ago from 127.0.0.1" in ada.text
    assert "Signed in 5 minutes ago" in ada.text
    assert "Mobile Safari on iOS this one" in phone.open("/account/sessions").text


def test_ended_session_is_out_at_its_next_click(ada: Browser):
    phone = sign_in(Browser(ada.app, agent=IPHONE))
    ada.open("/account/sessions")

    ada.submit(end_button(ada, "iOS"))

    assert "That session is ended." in ada.text
    assert "iOS" not in ada.text
    assert phone.open("/account/").path.startswith("/account/sign-in")
    assert event_kinds(ada.app)[-1] == "session:self:ended"


def test_all_others_are_ended_and_this_one_stays(ada: Browser):
    phones = [sign_in(Browser(ada.app, agent=IPHONE)) for _ in range(3)]

    ada.open("/account/sessions").submit("End all other sessions")

    assert ada.path == "/account/sessions?done=others-ended"
    assert all(phone.open("/account/").path.startswith("/account/sign-in") for phone in phones)


def test_stolen_session_pushes_nobody_out(ada: Browser, clock: FrozenClock):
    phone = sign_in(Browser(ada.app, agent=IPHONE))
    clock.advance(timedelta(minutes=16))
    kinds = event_kinds(ada.app)

    for press in (lambda: end_button(ada, "iOS"), lambda: "End all other sessions"):
        ada.open("/account/sessions").submit(press())
        assert ada.path == "/account/confirm?next=/account/sessions"

    assert [row.revoked_at for row in all_sessions(ada.app)] == [None, None]
    assert event_kinds(ada.app) == kinds
    ada.submit("Continue", secret=PASSWORD).submit(end_button(ada, "iOS"))
    assert "That session is ended." in ada.text
    assert phone.open("/account/").path.startswith("/account/sign-in")


def test_old_proof_is_enough_to_sign_out_here(ada: Browser, clock: FrozenClock):
    clock.advance(timedelta(minutes=16))
    ada.open("/account/sessions")

    ada.submit(next(button for button in ada.buttons if "Firefox" in button))

    assert "You are signed out." in ada.text


def test_somebody_elses_session_is_as_one_that_does_not_exist(ada: Browser):
    eve = sign_up(Browser(ada.app), email="eve@example.test")
    (hers,) = [row.id for row in all_sessions(ada.app) if row.user_id == 2]
    token = {"csrf_token": ada.cookie("nest_auth_csrf") or ""}

    theirs = ada.send(f"/account/sessions/{hers}/end", token).answer
    nobodys = ada.send(f"/account/sessions/{uuid4()}/end", token).answer

    assert theirs.status_code == nobodys.status_code == 404
    assert eve.open("/account/").path == "/account/"


def test_ending_this_session_signs_out(ada: Browser):
    ada.open("/account/sessions")
    (button,) = [button for button in ada.buttons if button.startswith("Sign out") and "Firefox" in button]

    ada.submit(button)

    assert "You are signed out." in ada.text
    assert ada.cookie("refreshToken") is None
    assert ada.first.headers["Clear-Site-Data"] == '"cache"'
    assert "Clear-Site-Data" not in ada.answer.headers
