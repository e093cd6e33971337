"""When a session ends, the published client learns of it, and its tokens are worth nothing any more."""

from collections.abc import Callable

import pytest

from tests.npm.bridge import ClientError, Device
from tests.npm.conftest import PASSWORD, Person
from tests.npm.rows import Row, sessions_of
from tests.reliability.server import Server

NEW_PASSWORD = "a quite different staple"

NewDevice = Callable[[], Device]


def test_logout_ends_the_session(person: Person, server: Server, new_device: NewDevice) -> None:
    held = person.device.tokens()
    person.device.call("logout")
    assert person.device.tokens() == {}
    assert sessions_of(person, server) == [Row(generation=1, is_revoked=True)]
    assert_refused(new_device(), held)


def test_logout_after_the_access_token_expired_ends_the_session(latecomer: Person, server: Server) -> None:
    latecomer.device.call("logout")
    assert latecomer.device.tokens() == {}
    assert sessions_of(latecomer, server) == [Row(generation=1, is_revoked=True)]


def test_logging_out_everywhere_ends_every_session(
    person: Person, server: Server, new_device: NewDevice
) -> None:
    other = new_device()
    other.call("login", person.credentials())
    answer = person.device.call("logoutAll")
    assert answer["message"] == "Logged out from all devices successfully"
    assert [row.is_revoked for row in sessions_of(person, server)] == [True, True]
    assert_logged_out(other)


def test_changing_the_password_ends_the_session(
    person: Person, server: Server, new_device: NewDevice
) -> None:
    passwords = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    assert person.device.call("changePassword", passwords)["message"] == "Password changed successfully"
    assert [row.is_revoked for row in sessions_of(person, server)] == [True]
    assert_logged_out(person.device)
    device = new_device()
    with pytest.raises(ClientError, match="INVALID_CREDENTIALS"):
        device.call("login", person.credentials())
    assert device.call("login", person.credentials(NEW_PASSWORD))["message"] == "Login successful"


def test_wrong_current_password_leaves_the_session_alone(person: Person) -> None:
    with pytest.raises(ClientError, match="CURRENT_PASSWORD_INCORRECT"):
        person.device.call("changePassword", {"currentPassword": "not it, no", "newPassword": NEW_PASSWORD})
    assert person.device.call("getSessionUserData")["email"] == person.email


def assert_refused(device: Device, held: dict[str, str]) -> None:
    with pytest.raises(ClientError) as refusal:
        device.call("refresh", {"refreshToken": held["refreshToken"]})
    assert refusal.value.answer["statusCode"] == 401


def assert_logged_out(device: Device) -> None:
    """The next call is refused, the refresh that follows is too, and the client drops what it holds."""
    with pytest.raises(ClientError) as refusal:
        device.call("getSessionUserData")
    assert refusal.value.answer["statusCode"] == 401
    assert device.look()["events"][-1] == "logout"
    assert device.tokens() == {}
