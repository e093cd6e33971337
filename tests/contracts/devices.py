"""Every contract as the shared behaviours meet it: its device, and the statuses of its refusals."""

from collections.abc import Callable
from dataclasses import dataclass

from marshmallow import RAISE
from werkzeug.test import TestResponse

from app import contracts
from app.http.contract import Contract
from tests.clients import AuthClient, Device
from tests.conftest import runtime_of
from tests.contracts.entryguard_client import EntryGuardClient
from tests.contracts.falcon_alert_client import FalconClient
from tests.contracts.oauth2_client import OAuth2Client
from tests.contracts.regardingwork_hub_client import HubClient
from tests.contracts.seven_g_client import SevenGClient
from tests.http.wire import cleared_cookies, set_cookies

SLUG = "example-works"
CONTRACTS = contracts.discover()

DeviceFor = Callable[..., Device]


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """One contract. Each status is how a refresh is refused; `invalid` is for tokens that will not do."""

    device: type[Device]
    contract: Contract
    missing: int
    invalid: int = 401
    suspended: int = 401
    deleted: int = 401
    organization_suspended: int = 401
    has_logout: bool = True

    def __str__(self) -> str:
        return self.contract.name

    @property
    def is_lenient(self) -> bool:
        """Tell whether a token may be repeated for a while."""
        return bool(self.contract.defaults.grace)

    @property
    def recovers(self) -> bool:
        """Tell whether an answer that was lost on the way is given again."""
        return bool(self.contract.defaults.recovery)


DIALECTS = (
    Dialect(device=AuthClient, contract=CONTRACTS["nest_auth"], missing=401, organization_suspended=403),
    Dialect(
        device=EntryGuardClient,
        contract=CONTRACTS["entryguard"],
        missing=400,
        suspended=403,
        organization_suspended=403,
    ),
    Dialect(device=SevenGClient, contract=CONTRACTS["seven_g"], missing=400, has_logout=False),
    Dialect(device=HubClient, contract=CONTRACTS["regardingwork_hub"], missing=400),
    Dialect(
        device=FalconClient, contract=CONTRACTS["falcon_alert"], missing=401, deleted=404, has_logout=False
    ),
    Dialect(
        device=OAuth2Client,
        contract=CONTRACTS["oauth2"],
        missing=400,
        invalid=400,
        suspended=400,
        deleted=400,
        organization_suspended=400,
    ),
)
LENIENT = [dialect for dialect in DIALECTS if dialect.is_lenient]
STRICT = [dialect for dialect in DIALECTS if not dialect.is_lenient]
RECOVERING = [dialect for dialect in DIALECTS if dialect.recovers]
LENIENT_WITHOUT_RECOVERY = [dialect for dialect in LENIENT if not dialect.recovers]
WITH_LOGOUT = [dialect for dialect in DIALECTS if dialect.has_logout]


def assert_in_shape(response: TestResponse, device: Device, status: int) -> None:
    """Check the status, and that the body is the contract's error body with nothing beside it."""
    assert response.status_code == status, (response.status_code, response.get_data())
    assert response.content_type == "application/json"
    schema = contract_of(device).error_schema
    body = response.get_json()
    assert schema(unknown=RAISE).validate(body) == {}, body
    assert all(value == status for name, value in body.items() if name in {"status", "statusCode"})


def assert_over(response: TestResponse, device: Device, status: int) -> None:
    """Check a definitive refusal; in cookie mode, both token cookies go and with them their claims."""
    assert_in_shape(response, device, status)
    if device.transport == "cookie":
        assert {device.access_cookie, device.refresh_cookie} <= cleared_cookies(response)
    else:
        assert set_cookies(response) == {}


def assert_for_now(response: TestResponse, device: Device, status: int) -> None:
    """Check a refusal that says nothing about the session: no cookie is touched."""
    assert_in_shape(response, device, status)
    assert set_cookies(response) == {}


def contract_of(device: Device) -> Contract:
    """Return the contract that a device speaks."""
    mounts = runtime_of(device.app).mounts.values()
    return next(mount.contract for mount in mounts if mount.contract.cookies.access == device.access_cookie)
