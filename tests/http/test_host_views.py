"""A host application guards its own views with `@jwt_required()`, as it always did."""

import pytest
from flask import jsonify
from flask_jwt_extended import get_jwt_identity, jwt_required

from app.primitives.clock import FrozenClock, SystemClock
from tests.clients import AuthClient
from tests.conftest import AppFor, runtime_of
from tests.rows import change_user


@pytest.fixture
def clock() -> FrozenClock:
    """The present moment, since the library asks the machine what time it is."""
    return FrozenClock(SystemClock().now())


@pytest.fixture
def host(new_app_for: AppFor) -> AuthClient:
    app = new_app_for()

    @app.get("/orders")
    @jwt_required()
    def orders():
        return jsonify(owner=get_jwt_identity())

    client = AuthClient(app, "header")
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
    app = new_app_for(access_token_check="signature", refresh_recovery_seconds=0)

    @app.get("/orders")
    @jwt_required()
    def orders():
        return jsonify(owner=get_jwt_identity())

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
    app = new_app_for(access_token_seconds=60)
    clock.advance(-2 * runtime_of(app).mounts["nest_auth"].policy.access_lifetime)

    @app.get("/orders")
    @jwt_required()
    def orders():
        return jsonify(owner=get_jwt_identity())

    client = AuthClient(app, "header")
    client.sign_up()

    assert client.get("/orders").status_code == 401
