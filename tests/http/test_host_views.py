"""A host application guards its own views with `@jwt_required()`, as it always did."""

import pytest
from flask import Flask, jsonify
from flask_jwt_extended import get_jwt_identity, jwt_required

from app.primitives.clock import FrozenClock, SystemClock
from tests.clients import AuthClient
from tests.conftest import SECRET, AppFor, runtime_of
from tests.rows import change_user, event_kinds, session_row

NEW_SECRET = "Rt5-also-tests-only-3b7Kd9WmXe1Zv6Gy2Hs8Pf4Lq"


@pytest.fixture
def clock() -> FrozenClock:
    """The present moment, since the library asks the machine what time it is."""
    return FrozenClock(SystemClock().now())


def guarding(app: Flask) -> Flask:
    @app.get("/orders")
    @jwt_required()
    def orders():
        return jsonify(owner=get_jwt_identity())

    return app


@pytest.fixture
def host(new_app_for: AppFor) -> AuthClient:
    client = AuthClient(guarding(new_app_for()), "header")
    client.sign_up()
    return client


def test_a_live_session_passes_and_counts_as_seen(host: AuthClient):
    assert host.get("/orders").status_code == 200


def test_a_logout_acts_at_once(host: AuthClient):
    host.post("/auth/logout")

    assert host.get("/orders").status_code == 401


def test_a_suspension_acts_at_once(host: AuthClient):
    change_user(host.app, status="suspended")

    assert host.get("/orders").status_code == 401


def test_a_password_that_is_due_comes_first(host: AuthClient):
    change_user(host.app, must_change_password=True)

    assert host.get("/orders").status_code == 401


@pytest.mark.parametrize("due", ["must_change_password", "mfa_enabled"])
def test_what_is_due_comes_first_where_signatures_are_checked(new_app_for, due: str):
    app = guarding(new_app_for(access_token_check="signature", refresh_recovery_seconds=0))
    client = AuthClient(app, "header")
    client.sign_up()
    assert client.get("/orders").status_code == 200
    change_user(app, **{due: True})
    client.log_in()

    assert client.get("/orders").status_code == 401
    change_user(app, **{due: False})
    assert client.get("/orders").status_code == (200 if due == "must_change_password" else 401)


def test_a_refresh_token_is_no_access_token(host: AuthClient):
    host.access_token = host.refresh_token

    assert host.get("/orders").status_code in {401, 422}


def test_an_access_token_past_its_end_is_refused(new_app_for, clock: FrozenClock):
    app = guarding(new_app_for(access_token_seconds=60))
    clock.advance(-2 * runtime_of(app).mounts["nest_auth"].policy.access_lifetime)
    client = AuthClient(app, "header")
    client.sign_up()

    assert client.get("/orders").status_code == 401


def test_a_token_of_an_older_key_is_good_until_that_key_is_withdrawn(host: AuthClient, new_app_for: AppFor):
    for fallbacks, status in ((SECRET, 200), ("", 422)):
        app = guarding(new_app_for(secret_key=NEW_SECRET, secret_key_fallbacks=fallbacks))
        moved_on = AuthClient(app, "header")
        moved_on.hold(access_token=host.access_token)

        assert moved_on.get("/orders").status_code == status

    row = session_row(host.app, host.access_token)
    assert (row.generation, row.seen_generation, row.revoked_at) == (1, 1, None)
    assert event_kinds(host.app)[-1] == "session:login:succeeded"


def test_an_older_key_makes_no_ended_session_good(host: AuthClient, new_app_for: AppFor):
    app = guarding(new_app_for(secret_key=NEW_SECRET, secret_key_fallbacks=SECRET))
    moved_on = AuthClient(app, "header")
    moved_on.hold(access_token=host.access_token)
    host.post("/auth/logout")

    assert moved_on.get("/orders").status_code == 401
