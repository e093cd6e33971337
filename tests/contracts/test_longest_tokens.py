"""Whatever a person may be called, the tokens are ones that the service reads and a cookie holds."""

from typing import Any

import pytest

from app.engine.errors import InvalidRequest
from tests.clients import AuthClient, Device
from tests.conftest import AppFor, runtime_of
from tests.contracts.devices import DeviceFor

# Two octets in UTF-8, six letters where JSON is ASCII: nothing of 254 octets gets longer.
LONGEST_EMAIL = "é" * 60 + "@" + "é" * 64 + ".xy"
COLUMNS = {
    "email": LONGEST_EMAIL,
    "phone": "+" + "1" * 20,
    "name": "😀" * 255,
    "role": "é" * 32,
}


def fill(device: Device, name: str, item: Any) -> int:
    """Give the person as many items in a list as are taken."""
    accounts, count = runtime_of(device.app).engine.accounts, 0
    try:
        while count < 500:
            accounts.change(1, {name: [item] * (count + 1)})
            count += 1
    except InvalidRequest:
        return count
    pytest.fail("there is no bound")


@pytest.mark.parametrize("role", ["a", "😀" * 8, {"RID": 1, "BID": 1, "PID": 1}], ids=["short", "long", "7g"])
def test_longest_person_gets_tokens_that_work(device_for: DeviceFor, role: Any) -> None:
    device = device_for()
    engine = runtime_of(device.app).engine
    engine.accounts.change(1, COLUMNS)
    if engine.accounts.get(1).username:
        engine.accounts.change(1, {"username": "😀" * 64})
    assert fill(device, "roles", role) > 2

    assert device.refresh().status_code == 200

    token = device.current_access_token()
    assert token is not None
    assert len(device.access_cookie + token) < 4096
    assert device.is_let_in()
    assert len(device.refresh_cookie + (device.current_refresh_token() or "")) < 4096


@pytest.mark.parametrize(
    ("local", "domain"),
    [("😀" * 60, "😀" * 150), ("Ж" * 60, "Ж" * 120), ("é" * 60, "a" + "é" * 65)],
    ids=["four octets a letter", "two", "255 altogether"],
)
def test_address_of_more_than_254_octets_is_refused(client: AuthClient, local: str, domain: str) -> None:
    answer = client.sign_up(f"{local}@{domain}.xy")

    assert (answer.status_code, answer.get_json()["message"]) == (400, "email must be an email")
    with pytest.raises(Exception, match="no user 1"):
        runtime_of(client.app).engine.accounts.get(1)


def test_address_of_254_octets_signs_up_and_sets_an_app_up(app_for: AppFor, transport: str) -> None:
    client = AuthClient(app_for(access_token_type=transport, mfa_issuer="é" * 32), transport)
    address = "é" * 60 + "@" + "é" * 65 + ".xy"
    assert len(address.encode()) == 254
    assert client.sign_up(address).status_code == 200

    assert client.use().status_code == 200
    assert client.post("/auth/mfa/setup-totp", {}).status_code == 200


def test_label_that_no_qr_code_holds_is_refused(client: AuthClient) -> None:
    client.sign_up()

    answer = client.post("/auth/mfa/setup-totp", {"label": "😀" * 64})
    assert (answer.status_code, answer.get_json()["message"]) == (400, "label must be at most 254 bytes")
    assert client.get("/auth/mfa/devices").get_json() == []
    assert client.post("/auth/mfa/setup-totp", {"label": "😀" * 63}).status_code == 200


@pytest.mark.parametrize(
    ("column", "value"),
    [("username", "a" * 65), ("name", "a" * 256), ("role", "A" * 65), ("role", "é" * 33)],
)
def test_column_takes_no_more_than_it_holds(client: AuthClient, column: str, value: str) -> None:
    client.sign_up()

    with pytest.raises(InvalidRequest, match="at most"):
        runtime_of(client.app).engine.accounts.change(1, {column: value})
