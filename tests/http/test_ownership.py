"""Nobody reaches what is another's, and nobody gives themselves what only the service gives."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import Membership, User
from tests.clients import PASSWORD, AuthClient
from tests.conftest import runtime_of
from tests.http.wire import assert_refused
from tests.rows import claims_of, event_kinds, session_row

STRANGE_FIELDS = {
    "id": 99,
    "uuid": str(uuid4()),
    "userId": str(uuid4()),
    "role": "ADMIN",
    "roles": ["ADMIN"],
    "permissions": ["users.invite"],
    "status": "deleted",
    "isActive": False,
    "epoch": 7,
    "emailVerifiedAt": "2020-01-01T00:00:00.000Z",
    "email_verified_at": "2020-01-01T00:00:00.000Z",
    "phoneVerifiedAt": "2020-01-01T00:00:00.000Z",
    "mustChangePassword": True,
    "must_change_password": True,
    "hashed_password": "x",
    "username": "root",
    "attributes": {"roles": ["ADMIN"], "permissions": ["users.invite"]},
    "organization_id": str(uuid4()),
    "organization_slug": "works",
    "is_organization_admin": True,
    "uninvited": False,
    "isAdmin": True,
    "__proto__": {"role": "ADMIN"},
    "constructor": {"role": "ADMIN"},
}


def _only_user(client: AuthClient) -> User:
    with client.app.app_context():
        user = db.session.scalars(select(User)).one()
        db.session.expunge(user)
        return user


def test_signup_takes_nothing_but_the_listed_fields(client: AuthClient) -> None:
    # A tenant that is named by its listed field is joined or refused: test_nest_auth_tenants.py.
    runtime_of(client.app).engine.organizations.create(slug="works", name="Works")
    assert client.sign_up(**STRANGE_FIELDS).status_code == 200

    user = _only_user(client)
    assert (user.id, user.role, user.status, user.attributes, user.epoch) == (1, "USER", "active", {}, 1)
    assert (user.email_verified_at, user.phone_verified_at, user.username) == (None, None, None)
    assert str(user.uuid) not in {STRANGE_FIELDS["uuid"], STRANGE_FIELDS["userId"]}
    assert user.must_change_password is False
    assert client.get("/auth/me").get_json()["permissions"] == []
    with client.app.app_context():
        assert db.session.scalars(select(Membership)).all() == []


def test_login_takes_nothing_but_the_listed_fields(client: AuthClient) -> None:
    client.sign_up()
    before = _only_user(client)
    strange = {**STRANGE_FIELDS, "mfa_pending": False, "amr": ["mfa"], "generation": 9}

    answer = client.log_in(**strange)

    claims = claims_of(client.current_access_token())
    assert answer.status_code == 200
    assert (claims["sub"], claims["amr"], claims["gen"]) == (str(before.uuid), ["pwd"], 1)
    assert "tenantId" not in claims
    assert _only_user(client).updated_at == before.updated_at


def test_another_persons_session_is_unknown(client: AuthClient) -> None:
    client.sign_up()
    eve = client.another_device()
    eve.sign_up("eve@example.test")
    session_id = claims_of(client.current_access_token())["sid"]
    seen = event_kinds(client.app)

    refused, unknown = eve.delete(f"/auth/sessions/{session_id}"), eve.delete(f"/auth/sessions/{uuid4()}")

    assert_refused(refused, 404, None, "Not found.")
    assert refused.get_data() == unknown.get_data()
    assert dict(refused.headers) == dict(unknown.headers)
    assert session_row(client.app, client.current_access_token()).revoked_at is None
    assert event_kinds(client.app) == seen


def test_session_list_shows_ones_own_alone(client: AuthClient) -> None:
    client.sign_up()
    eve = client.another_device()
    eve.sign_up("eve@example.test")

    listed = eve.get("/auth/sessions").get_json()["sessions"]

    assert [row["id"] for row in listed] == [claims_of(eve.current_access_token())["sid"]]


@pytest.mark.parametrize("path", ["/auth/logout-all", "/auth/sessions/revoke-others", "/auth/logout"])
def test_ending_sessions_ends_nobody_elses(client: AuthClient, path: str) -> None:
    client.sign_up()
    eve = client.another_device()
    eve.sign_up("eve@example.test")
    mine = _only_id(client)

    assert eve.post(path, {"userId": mine, "id": mine}).status_code == 200

    assert client.get("/auth/me").status_code == 200
    assert client.refresh().status_code == 200


def test_password_of_another_person_cannot_be_changed(client: AuthClient) -> None:
    client.sign_up()
    eve = client.another_device()
    eve.sign_up("eve@example.test", password="eves own password")
    body = {"userId": _only_id(client), "email": "ada@example.test", "id": 1}

    refused = eve.post(
        "/auth/change-password", {**body, "currentPassword": PASSWORD, "newPassword": "taken over by eve"}
    )

    assert_refused(refused, 400, "CURRENT_PASSWORD_INCORRECT")
    assert client.another_device().log_in().status_code == 200


def _only_id(client: AuthClient) -> str:
    return str(claims_of(client.current_access_token())["sub"])
