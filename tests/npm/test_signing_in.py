"""The published client signs people in, and is told plainly when it cannot."""

from collections.abc import Callable

import pytest

from tests.npm.bridge import ClientError, Device
from tests.npm.conftest import PASSWORD, Person, Wire

NewDevice = Callable[[], Device]


def test_signing_up_signs_in(person: Person) -> None:
    assert person.device.call("getIsAuthenticated") is True
    assert person.device.call("getSessionUserData")["email"] == person.email


def test_logging_in_opens_a_session_on_another_device(person: Person, new_device: NewDevice) -> None:
    device = new_device()
    answer = device.call("login", person.credentials())
    assert (answer["message"], answer["isRequiresMfa"]) == ("Login successful", False)
    assert device.call("getSessionUserData")["email"] == person.email
    assert device.claims()["sessionId"] != person.device.claims()["sessionId"]


def test_tokens_are_kept_where_the_mode_says(person: Person, wire: Wire) -> None:
    seen = person.device.look()
    hidden_from_scripts = {cookie["key"]: cookie["httpOnly"] for cookie in seen["cookies"]}
    if wire.mode == "header":
        assert {"access_token", "refresh_token"} <= seen["stored"].keys()
        assert hidden_from_scripts == {}
    else:
        assert seen["stored"].keys() == {"session"}
        assert "eyJ" not in seen["stored"]["session"]
        assert hidden_from_scripts["refreshToken"]
        assert all(hidden_from_scripts.values())


@pytest.mark.parametrize("is_known", [True, False], ids=["wrong password", "nobody"])
def test_wrong_credentials_carry_their_code(person: Person, new_device: NewDevice, *, is_known: bool) -> None:
    device = new_device()
    stranger = person if is_known else Person("nobody@example.test", device)
    with pytest.raises(ClientError) as refusal:
        device.call("login", stranger.credentials("not the password"))
    assert refusal.value.answer == {
        "code": "INVALID_CREDENTIALS",
        "kind": "rejected",
        "message": "Invalid credentials",
        "statusCode": 401,
    }
    assert device.tokens() == {}


def test_address_that_is_taken_carries_its_code(person: Person, new_device: NewDevice) -> None:
    with pytest.raises(ClientError) as refusal:
        new_device().call("signup", {"email": person.email, "password": PASSWORD})
    assert refusal.value.answer["code"] == "EMAIL_ALREADY_EXISTS"
    assert refusal.value.answer["statusCode"] == 400


def test_session_is_verified(person: Person, new_device: NewDevice) -> None:
    verified = person.device.call("verifySession")
    assert (verified["valid"], verified["userId"]) == (True, person.device.claims()["userId"])
    assert new_device().call("verifySession") == {"valid": False}


def test_client_is_told_the_mode_of_the_service(new_device: NewDevice, wire: Wire) -> None:
    told = {"header": "header", "cookie": "cookie", "client": None}
    assert new_device().call("getClientConfig")["accessTokenType"] == told[wire.setting]
