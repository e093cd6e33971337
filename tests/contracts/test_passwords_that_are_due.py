"""A password that is due, in contracts that have no way to choose another: neither login nor refresh."""

import pytest

from tests.clients import Device
from tests.contracts.devices import DIALECTS, Dialect, assert_for_now
from tests.http.wire import stored_rows
from tests.rows import change_user, event_kinds

STATUSES = {"seven_g": 403, "regardingwork_hub": 403, "oauth2": 400}
TEXTS = {
    "seven_g": "The password must be changed first.",
    "regardingwork_hub": "The password must be changed first.",
    "oauth2": "Another password is due, which has to be chosen elsewhere",
}
pytestmark = pytest.mark.parametrize(
    "dialect", [dialect for dialect in DIALECTS if str(dialect) in STATUSES], ids=str, indirect=True
)


def test_login_with_a_password_that_is_due_opens_nothing(device: Device, dialect: Dialect):
    change_user(device.app, must_change_password=True)
    other, before, seen = device.another_device(), stored_rows(device.app), event_kinds(device.app)

    refused = other.log_in()

    assert_for_now(refused, other, STATUSES[str(dialect)])
    assert TEXTS[str(dialect)] in refused.get_json().values()
    assert stored_rows(device.app) == before
    assert event_kinds(device.app) == [*seen, "session:login:refused"]


def test_refresh_waits_until_another_password_was_chosen(device: Device, dialect: Dialect):
    change_user(device.app, must_change_password=True)
    before, seen = stored_rows(device.app), event_kinds(device.app)

    for _ in range(2):
        refused = device.refresh()
        assert_for_now(refused, device, STATUSES[str(dialect)])
        assert TEXTS[str(dialect)] in refused.get_json().values()

    assert (stored_rows(device.app), event_kinds(device.app)) == (before, seen)
    change_user(device.app, must_change_password=False)
    assert device.refresh().status_code == 200
