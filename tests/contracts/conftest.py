"""The fixtures that run one behaviour over every contract, by each transport."""

import pytest

from tests.clients import Device
from tests.conftest import AppFor
from tests.contracts.devices import DIALECTS, DeviceFor, Dialect


@pytest.fixture(params=DIALECTS, ids=str)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Each contract; a behaviour that some do not have is parametrized with those that do."""
    dialect: Dialect = request.param
    return dialect


@pytest.fixture
def device_for(app_for: AppFor, dialect: Dialect, transport: str) -> DeviceFor:
    """Make devices, signed in, on an application with the contract alone and these settings."""

    def make(**changes: object) -> Device:
        app = app_for(contracts=dialect.contract.name, access_token_type=transport, **changes)
        device = dialect.device(app, transport)
        assert device.sign_up().status_code in {200, 201}
        return device

    return make


@pytest.fixture
def device(device_for: DeviceFor) -> Device:
    """A device that is signed in, with default settings."""
    return device_for()
