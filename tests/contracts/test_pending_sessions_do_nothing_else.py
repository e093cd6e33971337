"""A session whose second factor is due can finish it, look at itself and end, and nothing else."""

from uuid import uuid4

import pytest
from flask import Flask

from app.http.operations import Access, declared_operation
from app.primitives.clock import FrozenClock
from tests.authenticator import enrol
from tests.clients import ORIGIN, PASSWORD, AuthClient
from tests.rows import all_sessions, event_kinds

CHECKS = ("session", "signature")
# Whoever adds to these lets somebody in who knows only the password.
OPEN_TO_PENDING = {
    "nest_auth.me",
    "nest_auth.verify_session",
    "nest_auth.mfa.challenge",
    "nest_auth.mfa.confirm",
    "nest_auth.mfa.list_devices",
    "nest_auth.mfa.reset",
    "nest_auth.mfa.set_up",
    "nest_auth.mfa.status",
    "nest_auth.mfa.verify",
    "nest_auth.mfa.verify_recovery_code",
}
# A body that would do where an operation demands one, so that nothing but the second factor is missing.
BODIES = {
    "nest_auth.mfa.toggle": {"enabled": False},
    "nest_auth.mfa.reauthenticate": {"password": PASSWORD},
    "nest_auth.change_password": {"currentPassword": PASSWORD, "newPassword": "a quite different staple"},
    "nest_auth.recovery.verify_email": {"code": "123456"},
    "nest_auth.recovery.verify_phone": {"code": "123456"},
}


def guarded(app: Flask, *kinds: Access) -> dict[str, tuple[str, str]]:
    """Return the guarded operations of an application by their endpoints: method and path."""
    found = {}
    for rule in app.url_map.iter_rules():
        declared = declared_operation(app.view_functions[rule.endpoint])
        if declared is not None and declared.access in kinds:
            [method] = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            found[rule.endpoint] = (method, "".join(text or str(uuid4()) for text, _ in _parts(rule.rule)))
    return found


def _parts(rule: str) -> list[tuple[str, str]]:
    """Split a path into its text and its variables."""
    pieces = rule.replace("<", "\0").replace(">", "\0").split("\0")
    return [("" if index % 2 else piece, piece) for index, piece in enumerate(pieces) if piece]


@pytest.mark.parametrize("check", CHECKS)
def test_pending_session_is_refused_at_every_full_operation(
    app_for, transport: str, clock: FrozenClock, check: str
) -> None:
    recovery = {} if check == "session" else {"refresh_recovery_seconds": 0}
    app = app_for(access_token_type=transport, access_token_check=check, **recovery)
    client = AuthClient(app, transport)
    client.sign_up()
    enrol(client, clock)
    client.post("/auth/logout")
    client.log_in()
    operations = guarded(app, Access.FULL, Access.SIGNED_IN, Access.OPTIONAL)
    assert len(operations) > 8
    for endpoint, (method, path) in operations.items():
        answer = client.http.open(
            path, method=method, json=BODIES.get(endpoint), headers=client.headers(), base_url=ORIGIN
        )
        assert (endpoint, answer.status_code) == (endpoint, 401)
        assert answer.get_json()["code"] == "MFA_REQUIRED"


def test_nothing_else_is_open_to_pending_sessions(app: Flask) -> None:
    assert set(guarded(app, Access.PARTIAL)) == OPEN_TO_PENDING


@pytest.mark.parametrize("check", CHECKS)
def test_who_knows_only_the_password_signs_nobody_out(
    app_for, transport: str, clock: FrozenClock, check: str
) -> None:
    recovery = {} if check == "session" else {"refresh_recovery_seconds": 0}
    owner = AuthClient(app_for(access_token_type=transport, access_token_check=check, **recovery), transport)
    owner.sign_up()
    app = enrol(owner, clock)
    owner.log_in()
    proof = {"method": "totp", "otp": app.next_code(), "trustDevice": True}
    owner.keep(owner.post("/auth/mfa/verify", proof))
    stranger = owner.another_device()
    stranger.log_in()
    rows, seen = all_sessions(owner.app), event_kinds(owner.app)

    answer = stranger.post("/auth/logout-all")

    assert (answer.status_code, answer.get_json()["code"]) == (401, "MFA_REQUIRED")
    assert [row.revoked_at for row in all_sessions(owner.app)] == [row.revoked_at for row in rows]
    assert event_kinds(owner.app) == seen
    assert owner.get("/auth/user").status_code == 200
    assert stranger.post("/auth/logout").status_code == 200
    assert owner.log_in().get_json()["isRequiresMfa"] is False


@pytest.mark.parametrize("check", CHECKS)
def test_finished_session_passes_where_the_pending_one_was_refused(
    app_for, transport: str, clock: FrozenClock, check: str
) -> None:
    recovery = {} if check == "session" else {"refresh_recovery_seconds": 0}
    client = AuthClient(app_for(access_token_type=transport, access_token_check=check, **recovery), transport)
    client.sign_up()
    app = enrol(client, clock)
    client.log_in()
    former = client.current_access_token()
    client.keep(client.post("/auth/mfa/verify", {"method": "totp", "otp": app.next_code()}))
    assert client.get("/auth/user").status_code == 200
    client.hold(access_token=former)
    assert client.get("/auth/user").status_code == 401
    # Where the row is not read at each call, it is before anything about second factors.
    assert client.get("/auth/mfa/status").status_code == 401
