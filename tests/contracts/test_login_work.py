"""What a login costs does not tell whether the name exists: the work is counted, not the time."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from uuid import uuid4

import pytest
from argon2 import PasswordHasher

from app.extensions import db
from tests.clients import PASSWORD, AuthClient, Device
from tests.conftest import runtime_of
from tests.contracts.devices import DIALECTS, DeviceFor
from tests.contracts.entryguard_client import EMAIL, EntryGuardClient
from tests.engine.statements import recorded_statements

NOBODY = "nobody@example.test"
WRONG = "a wrong password"


@pytest.fixture
def work_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Device, Callable[[], object]], Counter[str]]:
    """Count the statements and the password hashes of a request, by their kinds."""
    hashes: list[str] = []
    for name in ("hash", "verify"):
        compute = getattr(PasswordHasher, name)

        def noted(*arguments: object, _name: str = name, _compute: Callable[..., object] = compute) -> object:
            hashes.append(_name)
            return _compute(*arguments)

        monkeypatch.setattr(PasswordHasher, name, noted)

    def count(device: Device, request: Callable[[], object]) -> Counter[str]:
        hashes.clear()
        with device.app.app_context(), recorded_statements(db.engine) as statements:
            request()
            kinds = [" ".join(statement.split()[:3]) for statement in statements]
        return Counter([*kinds, *hashes])

    return count


def test_unknown_name_and_wrong_password_cost_the_same_work(device: Device, work_of) -> None:
    known = work_of(device, lambda: device.another_device().log_in(password=WRONG))
    unknown = work_of(device, lambda: device.another_device().log_in(NOBODY, PASSWORD))
    assert known == unknown
    assert (known["verify"], known["hash"]) == (1, 0)
    assert sum(known.values()) > 5


@pytest.mark.parametrize(
    "dialect", [dialect for dialect in DIALECTS if dialect.device is AuthClient], ids=str
)
def test_name_costs_the_same_work_with_a_tenant(device_for: DeviceFor, work_of) -> None:
    device = device_for()
    own = runtime_of(device.app).engine.organizations.create(slug="acme", name="Acme")
    runtime_of(device.app).engine.organizations.add_member("acme", 1)
    works = [
        work_of(device, partial(device.another_device().log_in, name, WRONG, tenantId=tenant, guard="web"))
        for name in (EMAIL, NOBODY)
        # The first attempt with a name makes its counters, whoever has the name.
        for tenant in (str(own.id), str(own.id), str(uuid4()))
    ]
    assert works[1] == works[2] == works[4] == works[5]
    assert works[0] == works[3]


@pytest.mark.parametrize(
    "dialect", [dialect for dialect in DIALECTS if dialect.device is EntryGuardClient], ids=str
)
def test_wrong_organization_costs_the_same_work(device_for: DeviceFor, work_of) -> None:
    device = device_for()
    # The first attempt with a name makes its counters, whoever has the name.
    device.another_device().log_in(password=WRONG)
    wrong = work_of(device, lambda: device.another_device().log_in(password=WRONG))
    elsewhere = work_of(device, lambda: device.another_device().log_in(EMAIL, PASSWORD, "nowhere"))
    assert wrong == elsewhere
