"""Where access tokens are checked by signature, what changes something asks the session all the same."""

from typing import Any

import pytest

from tests.clients import PASSWORD, Device
from tests.conftest import runtime_of
from tests.contracts.devices import DIALECTS, DeviceFor, Dialect, assert_in_shape
from tests.contracts.entryguard_client import EntryGuardClient
from tests.contracts.falcon_alert_client import FalconClient, assert_refused, make_administrator
from tests.http.wire import mounted_operations, stored_rows
from tests.rows import event_kinds

# A check of a token.
CHANGES_NOTHING = {"/auth/verify"}
NEW_PASSWORD = "a quite different staple"
CODE = {"code": "123456"}
# A body of the right form for each operation that demands one.
BODIES: dict[str, dict[str, Any]] = {
    "/auth/change-password": {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD},
    "/auth/invite": {"email": "eve@example.test"},
    "/auth/reauthenticate": {"password": PASSWORD},
    "/auth/mfa/toggle": {"enabled": False},
    "/auth/mfa/challenge": {"method": "totp"},
    "/auth/mfa/verify": {"method": "totp", "otp": "123456"},
    "/auth/mfa/verify-totp-setup": {"secret": "JBSWY3DPEHPK3PXP", "otp": "123456"},
    "/auth/mfa/verify-recovery-code": CODE,
    "/auth/mfa/reset-totp": CODE,
    "/auth/verify-email": CODE,
    "/auth/verify-phone": CODE,
    "/api/v1/auth/change-password": {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD},
    "/api/v1/users": {"email": "eve@example.test"},
    "/api/v1/mfa/setup/confirm": {"secret": "JBSWY3DPEHPK3PXP", **CODE},
    "/api/v1/mfa/disable": CODE,
    "/users": {"name": "Eve"},
    "/users/register": {"email": "eve@example.test", "name": "Eve", "password": PASSWORD},
    "/users/password": {"oldPassword": PASSWORD, "newPassword": NEW_PASSWORD},
    "/users/settings-info": {"is_review_enabled": 0},
}
CHANGING = [dialect for dialect in DIALECTS if str(dialect) in {"nest_auth", "entryguard", "falcon_alert"}]


def changes_of(device: Device):
    """Return the guarded operations that change something."""
    found = [
        operation
        for operation in mounted_operations(device.app)
        if operation.is_unsafe and operation.is_guarded and operation.path not in CHANGES_NOTHING
    ]
    assert len(found) > 4
    return found


@pytest.mark.parametrize("dialect", CHANGING, ids=str, indirect=True)
def test_token_of_a_suspended_person_changes_nothing(device_for: DeviceFor, dialect: Dialect):
    device = device_for(access_token_check="signature")
    runtime_of(device.app).engine.accounts.suspend(1)
    before, seen = stored_rows(device.app), event_kinds(device.app)

    assert device.is_let_in()
    for operation in changes_of(device):
        body = BODIES.get(operation.path, {}) if operation.reads_body else None
        answer = device.send(operation.method, operation.path, json=body)
        assert (operation.path, answer.status_code) == (operation.path, dialect.suspended)
        assert_in_shape(answer, device, dialect.suspended)

    assert (stored_rows(device.app), event_kinds(device.app)) == (before, seen)


def test_suspended_administrator_makes_no_administrator(app_for, transport: str):
    app = app_for(contracts="falcon_alert", access_token_type=transport, access_token_check="signature")
    make_administrator(app)
    grace = FalconClient(app, transport)
    grace.log_in("grace@example.test", type="web")
    runtime_of(app).engine.accounts.suspend(1)
    before, seen = stored_rows(app), event_kinds(app)
    eve = {"email": "eve@example.test", "name": "Eve", "password": PASSWORD, "role_id": "2"}

    assert_refused(grace.post("/users/register", eve), 401, "Invalid token")

    assert (stored_rows(app), event_kinds(app)) == (before, seen)
    assert grace.use().status_code == 200


def test_session_that_was_ended_changes_no_password(app_for, transport: str):
    app = app_for(contracts="entryguard", access_token_type=transport, access_token_check="signature")
    ada = EntryGuardClient(app, transport)
    ada.sign_up()
    runtime_of(app).engine.sessions.end_all(1, None)
    before, seen = stored_rows(app), event_kinds(app)

    assert ada.change_password(PASSWORD, NEW_PASSWORD).status_code == 401

    assert (stored_rows(app), event_kinds(app)) == (before, seen)
