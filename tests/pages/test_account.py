"""One's own account: name, address, password, activity."""

from app.delivery import MemorySender
from tests.pages.browser import Browser
from tests.pages.conftest import PASSWORD, sign_in, sign_up
from tests.pages.test_recovering import code_in
from tests.rows import all_sessions, event_kinds


def test_name_is_changed(ada: Browser):
    ada.submit("Save name", name="Ada <Lovelace>")

    assert "Ada &lt;Lovelace&gt;" in ada.answer.text
    assert event_kinds(ada.app)[-1] == "account:self:changed"


def test_address_is_verified_with_the_mailed_code(ada: Browser, outbox: MemorySender):
    ada.follow("Verify").submit("Send a code").submit("Verify", code=code_in(outbox))

    assert "Your e-mail address is verified." in ada.text
    assert event_kinds(ada.app)[-1] == "account:email:verified"


def test_wrong_code_verifies_nothing(ada: Browser, outbox: MemorySender):
    ada.follow("Verify").submit("Send a code")
    wrong = f"{(int(code_in(outbox)) + 1) % 1_000_000:06}"

    ada.submit("Verify", code=wrong)

    assert ada.answer.status_code == 422
    assert "not verified" in ada.open("/account/").text


def test_password_change_signs_every_device_out(ada: Browser):
    phone = sign_in(Browser(ada.app))
    new = "a wholly different horse battery"

    ada.open("/account/password").submit("Change password", current_password=PASSWORD, new_password=new)

    assert "every device is signed out" in ada.text
    assert ada.first.headers["Clear-Site-Data"] == '"cache"'
    assert phone.open("/account/").path.startswith("/account/sign-in")
    assert {row.revoked_reason for row in all_sessions(ada.app)} == {"password_changed"}
    assert sign_in(ada, password=new).path == "/account/"


def test_wrong_current_password_changes_nothing(ada: Browser):
    ada.open("/account/password")

    ada.submit("Change password", current_password="wrong", new_password="a different horse battery")

    assert ada.answer.status_code == 422
    assert "current password is not right" in ada.text
    assert [row.revoked_at for row in all_sessions(ada.app)] == [None]
    assert event_kinds(ada.app)[-1] == "account:password:refused"


def test_activity_shows_ones_own_events_and_nobody_elses(ada: Browser):
    eve = sign_up(Browser(ada.app, agent="Eve's browser"), email="eve@example.test", name="Eve")
    sign_in(Browser(ada.app), password="wrong")

    ada.open("/account/activity")

    assert "Account created" in ada.text
    assert "Failed sign-in" in ada.text
    assert "Firefox on Linux" in ada.text
    assert "Eve" not in ada.text
    assert "Failed sign-in" not in eve.open("/account/activity").text


def test_long_activity_is_paged_through(ada: Browser):
    for number in range(35):
        ada.open("/account/").submit("Save name", name=f"Ada {number}")

    ada.open("/account/activity")
    newest = ada.answer.text.count("<tr>")
    ada.follow("Older")

    assert newest == 31
    assert "Account created" in ada.text
    assert "Older" not in ada.text


def test_bad_page_number_shows_the_newest(ada: Browser):
    for bad in ("x", "-1", "9" * 30):
        assert ada.open(f"/account/activity?before={bad}").answer.status_code == 200
