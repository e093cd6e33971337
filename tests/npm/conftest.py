"""Devices with the published client, each against a running service with one of its token modes."""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.npm.bridge import Bridge, Device, running_bridge
from tests.npm.packages import missing
from tests.reliability.databases import fresh_database
from tests.reliability.server import Server, running_server

# Long enough that what follows a refresh at once is in time on a slow machine.
ACCESS_SECONDS = 3
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Wire:
    """The service's `KEYTURN_ACCESS_TOKEN_TYPE`, and the client's own `accessTokenType`."""

    setting: str
    mode: str

    def __str__(self) -> str:
        return self.setting if self.setting == self.mode else f"{self.setting}-asks-for-{self.mode}"


WIRES = [
    Wire("header", "header"),
    Wire("cookie", "cookie"),
    Wire("client", "header"),
    Wire("client", "cookie"),
]


@dataclass(frozen=True)
class Person:
    """Somebody with an account, and the device that opened it."""

    email: str
    device: Device

    def credentials(self, password: str = PASSWORD) -> dict[str, object]:
        return {"providerName": "email", "credentials": {"email": self.email, "password": password}}


SignUp = Callable[[Device], Person]


@pytest.fixture(scope="session")
def bridge() -> Iterator[Bridge]:
    """Skips where Node or the packages are missing, unless KEYTURN_TEST_SERVICES=required: then it fails."""
    if reason := missing():
        if os.environ.get("KEYTURN_TEST_SERVICES") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    with running_bridge() as bridge:
        yield bridge


@pytest.fixture(scope="session")
def server_for() -> Iterator[Callable[[Wire], Server]]:
    """Give the service with the setting of a wire, started when it is first asked for."""
    running: dict[str, Server] = {}
    with ExitStack() as stack:

        def find(wire: Wire) -> Server:
            if wire.setting not in running:
                settings = {
                    "KEYTURN_ACCESS_TOKEN_TYPE": wire.setting,
                    "KEYTURN_ACCESS_TOKEN_SECONDS": str(ACCESS_SECONDS),
                    "KEYTURN_DATABASE_LOCK_TIMEOUT_SECONDS": "1",
                }
                database_url = stack.enter_context(fresh_database("sqlite"))
                running[wire.setting] = stack.enter_context(running_server(database_url, settings))
            return running[wire.setting]

        yield find


@pytest.fixture(params=WIRES, ids=str)
def wire(request: pytest.FixtureRequest) -> Wire:
    """Each way in which service and client can agree on where tokens travel."""
    found: Wire = request.param
    return found


@pytest.fixture
def server(wire: Wire, server_for: Callable[[Wire], Server]) -> Server:
    return server_for(wire)


@pytest.fixture
def new_device(bridge: Bridge, server: Server, wire: Wire) -> Callable[[], Device]:
    """Make a device on which nobody has signed in."""
    return lambda: bridge.device(server.base_url, wire.mode)


@pytest.fixture
def person(new_device: Callable[[], Device]) -> Person:
    return sign_up(new_device())


@pytest.fixture(scope="session")
def latecomers(
    request: pytest.FixtureRequest, bridge: Bridge, server_for: Callable[[Wire], Server]
) -> dict[str, Person]:
    """One person for each test that asks for a `latecomer`, so that they all wait together."""
    waiting = {}
    for item in request.session.items:
        if isinstance(item, pytest.Function) and "latecomer" in item.fixturenames:
            wire = item.callspec.params["wire"]
            assert isinstance(wire, Wire)
            waiting[item.nodeid] = sign_up(bridge.device(server_for(wire).base_url, wire.mode))
    time.sleep(ACCESS_SECONDS)
    return waiting


@pytest.fixture
def latecomer(request: pytest.FixtureRequest, wire: Wire, latecomers: dict[str, Person]) -> Person:
    """Somebody whose access token has expired."""
    return latecomers[request.node.nodeid]


def sign_up(device: Device, *options: object) -> Person:
    email = f"{uuid.uuid4().hex}@example.test"
    device.call("signup", {"email": email, "password": PASSWORD}, *options)
    return Person(email, device)
