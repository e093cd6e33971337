"""A walk through every page, by keyboard, past everything that a page can say.

Each part is a generator that stops at a page by yielding a name for it, so that whoever walks can look
around.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pyotp

from tests.browser.visitor import ANDROID, IPHONE, Visitor

WRONG = "That code or link is not valid any more, or was never. Ask for a new one."
WRONG_FACTOR = "That code is not right. Type what the app shows now; each is good once."
# Every factor that there is; a service without these settings offers no SMS.
FACTORS = "totp,email,sms"
NAME = "Ada, Countess of Lovelace"
NEW_PASSWORD = "another horse battery staple"


def whole_walk(visitor: Visitor) -> Iterator[str]:
    """Go through all of it, as a person who was never here."""
    for part in (_sign_up, _account, _sessions, _organizations, _new_password, _forgotten_password):
        yield from part(visitor)
    yield from _second_factor(visitor)
    yield from _exceptions(visitor)


def _sign_up(visitor: Visitor) -> Iterator[str]:
    keys = visitor.keyboard
    visitor.open("/account/accept-invitation?token=of-nobody")
    visitor.is_at("You are invited")
    yield "invitation"
    keys.write("Password", visitor.password)
    keys.press("Accept")
    visitor.is_at("You are invited", WRONG)
    visitor.open("/account/")
    visitor.is_at("Sign in")
    yield "sign-in"
    keys.press("Create an account")
    visitor.is_at("Create an account")
    yield "sign-up"
    keys.write("E-mail address", "ada@example")
    keys.write("Password", visitor.password)
    keys.press("Create account")
    visitor.is_told("Create an account", "E-mail address", "This is not an e-mail address.")
    yield "sign-up-marked"
    keys.write("Name (optional)", "Ada Lovelace")
    keys.write("E-mail address", visitor.email)
    keys.write("Password", "ada lovelace")
    keys.press("Create account")
    visitor.is_told("Create an account", "Password", "Password must not be your own name or address.")
    yield "sign-up-refused"
    keys.write("Password", visitor.password)
    keys.press("Create account")
    visitor.is_at("Ada Lovelace")
    yield "account"


def _account(visitor: Visitor) -> Iterator[str]:
    keys = visitor.keyboard
    keys.write("What you are called", NAME)
    keys.press("Save name", "Space")
    visitor.is_at(NAME, "Your name is changed.")
    yield "account-changed"
    keys.press("Verify")
    visitor.is_at("Verify your address")
    assert keys.focused() == "Send a code"
    yield "verify-email"
    code = visitor.press_for_code("Send a code")
    visitor.is_at("Verify your address", "A code is on its way.")
    assert keys.focused() == "Code"
    yield "verify-email-sent"
    keys.write("Code", "000000" if code != "000000" else "111111")
    keys.press("Verify")
    visitor.is_told("Verify your address", "Code", WRONG)
    yield "verify-email-refused"
    keys.write("Code", code)
    keys.press("Verify")
    visitor.is_at(NAME, "Your e-mail address is verified.")


def _sessions(visitor: Visitor) -> Iterator[str]:
    keys = visitor.keyboard
    for agent, address, age in ((IPHONE, "203.0.113.24", 3), (ANDROID, "198.51.100.7", 26)):
        visitor.sign_in_elsewhere(agent)
        visitor.stored.place_session(agent, address, timedelta(hours=age))
    keys.press("Sessions")
    visitor.is_at("Where you are signed in")
    yield "sessions"
    keys.press("End: Mobile Safari on iOS")
    visitor.is_at("Where you are signed in", "That session is ended.")
    assert visitor.stored.live_sessions() == 2
    keys.press("End all other sessions", "Space")
    visitor.is_at("Where you are signed in", "All other sessions are ended.")
    assert visitor.stored.live_sessions() == 1
    yield "sessions-ended"


def _organizations(visitor: Visitor) -> Iterator[str]:
    keys = visitor.keyboard
    keys.press("Organizations")
    visitor.is_at("Organizations")
    yield "organizations-none"
    visitor.stored.join(Analytical_Engines="ADMIN", Royal_Society="MEMBER")
    keys.press("Organizations")
    keys.press("Switch: Royal Society")
    visitor.is_at("Organizations", "You have switched to another organization.")
    yield "organizations"


def _new_password(visitor: Visitor) -> Iterator[str]:
    keys = visitor.keyboard
    keys.press("Account")
    keys.press("Change password")
    visitor.is_at("Change password")
    yield "password"
    keys.write("Current password", "not the password")
    keys.write("New password", NEW_PASSWORD)
    keys.press("Change password")
    visitor.is_told("Change password", "Current password", "The current password is not right.")
    yield "password-refused"
    keys.write("Current password", visitor.password)
    keys.write("New password", NEW_PASSWORD)
    keys.press("Change password")
    visitor.is_at(
        "Sign in", "Your password is changed and every device is signed out. Sign in with the new one."
    )
    visitor.sign_in()
    visitor.is_at("Sign in", "That e-mail address and password do not match an account here.")
    yield "sign-in-refused"
    visitor.password = NEW_PASSWORD


def _forgotten_password(visitor: Visitor) -> Iterator[str]:
    keys = visitor.keyboard
    keys.press("Forgotten your password?")
    visitor.is_at("Forgotten password")
    yield "forgotten-password"
    keys.press("I have a code already")
    visitor.is_at("Choose another password")
    yield "reset-password"
    keys.press("Send another code")
    keys.write("E-mail address", visitor.email)
    code = visitor.press_for_code("Send the code")
    visitor.is_at(
        "Choose another password", f"If {visitor.email} belongs to an account here, a code is on its way."
    )
    yield "reset-password-sent"
    keys.write("Code", "000000" if code != "000000" else "111111")
    keys.write("New password", visitor.password)
    keys.press("Change password")
    visitor.is_told("Choose another password", "Code", WRONG)
    yield "reset-password-refused"
    keys.write("Code", code)
    keys.write("New password", "password")
    keys.press("Change password")
    visitor.is_told("Choose another password", "New password", "Password is too common or too easy to guess.")
    yield "reset-password-weak"
    visitor.password = "a third horse battery staple"
    keys.write("New password", visitor.password)
    keys.press("Change password")
    visitor.sign_in()


def _second_factor(visitor: Visitor) -> Iterator[str]:
    keys = visitor.keyboard
    keys.press("Second factor")
    visitor.is_at("Second factor off")
    yield "second-factors-none"
    keys.press("Add an authenticator app")
    visitor.is_at("Add an authenticator app")
    yield "enrol"
    keys.write("What to call it", "My phone")
    keys.press("Show the QR code")
    visitor.is_at("Scan this with the app")
    yield "confirm-app"
    app = pyotp.TOTP("".join(visitor.page.locator(".secret").inner_text().split()))
    keys.write("Code", "000000")
    keys.press("Confirm")
    visitor.is_told("Scan this with the app", "Code", WRONG_FACTOR)
    yield "confirm-app-refused"
    keys.write("Code", app.now())
    keys.press("Confirm")
    assert visitor.heading == "Keep these codes"
    yield "recovery-codes"
    recovery_codes = visitor.page.locator(".codes code").all_inner_texts()
    keys.press("I have kept them")
    visitor.is_at("Second factor on")
    yield "second-factors"
    yield from _second_step(visitor, app, recovery_codes)


def _second_step(visitor: Visitor, app: pyotp.TOTP, recovery_codes: list[str]) -> Iterator[str]:
    keys = visitor.keyboard
    keys.press("Sign out")
    visitor.is_at("Sign in", "You are signed out.")
    visitor.sign_in()
    visitor.is_at("One more step")
    yield "second-factor"
    keys.write("Code", "000000")
    keys.press("Continue")
    visitor.is_told("One more step", "Code", WRONG_FACTOR)
    yield "second-factor-refused"
    keys.press("Get a code by mail")
    visitor.is_at("One more step")
    yield "second-factor-mail"
    code = visitor.press_for_code("Send a code")
    visitor.is_at("One more step", "A code is on its way.")
    keys.write("Code", code)
    keys.press("Continue")
    visitor.is_at(NAME)
    yield from _sms(visitor)
    keys.press("Sign out")
    visitor.sign_in()
    keys.press("Use a recovery code")
    visitor.is_at("One more step")
    yield "second-factor-recovery"
    keys.write("Recovery code", recovery_codes[0])
    keys.press("Continue")
    visitor.is_at(NAME)
    keys.press("Sign out")
    visitor.sign_in()
    visitor.stored.wait_for_next_code()
    keys.write("Code", app.now())
    keys.tick("Do not ask on this device for 7 days")
    keys.press("Continue")
    yield from _trusted_devices(visitor)
    yield from _confirmation(visitor, recovery_codes[1])


def _sms(visitor: Visitor) -> Iterator[str]:
    keys = visitor.keyboard
    visitor.stored.change(phone=visitor.phone, phone_verified_at=datetime.now(UTC))
    keys.press("Second factor")
    visitor.is_at("Second factor on")
    yield "second-factors-sms"
    keys.press("Sign out")
    visitor.sign_in()
    keys.press("Get a code by SMS")
    visitor.is_at("One more step")
    assert keys.focused() == "Send a code"
    yield "second-factor-sms"
    code = visitor.press_for_code("Send a code", visitor.phone)
    visitor.is_at("One more step", "A code is on its way.")
    assert keys.focused() == "Code"
    yield "second-factor-sms-sent"
    keys.write("Code", "000000" if code != "000000" else "111111")
    keys.press("Continue")
    visitor.is_told("One more step", "Code", WRONG)
    yield "second-factor-sms-refused"
    keys.write("Code", code)
    keys.press("Continue")
    visitor.is_at(NAME)


def _trusted_devices(visitor: Visitor) -> Iterator[str]:
    keys = visitor.keyboard
    keys.press("Sign out")
    visitor.sign_in()
    visitor.is_at(NAME)
    keys.press("Trusted devices")
    visitor.is_at("Trusted devices")
    yield "trusted-devices"
    keys.press("Forget all of them")
    visitor.is_at("Trusted devices", "No device is trusted any more.")
    yield "trusted-devices-none"


def _confirmation(visitor: Visitor, recovery_code: str) -> Iterator[str]:
    keys = visitor.keyboard
    keys.press("Second factor")
    visitor.stored.age_sessions(timedelta(hours=1))
    keys.press("Make new recovery codes")
    visitor.is_at("Confirm that it is you")
    yield "confirm"
    keys.press("Use a recovery code")
    keys.write("Recovery code", recovery_code)
    keys.press("Continue")
    visitor.is_at("Second factor on")
    keys.press("Switch the second factor off")
    visitor.is_at("Second factor off", "The second factor is switched off. Other sessions were ended.")
    yield "second-factors-off"


def _exceptions(visitor: Visitor) -> Iterator[str]:
    visitor.keyboard.press("Activity")
    visitor.is_at("Activity")
    yield "activity"
    visitor.open("/account/nothing-here")
    visitor.is_at("Not Found")
    yield "not-found"
    visitor.stored.change(must_change_password=True)
    visitor.open("/account/")
    visitor.is_at("Change password", "Choose another password before you go on.")
    yield "password-due"
