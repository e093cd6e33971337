"""Which tenant a nest_auth login leads to, and by the roles of which guard: section 5 of the contract."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from werkzeug.test import TestResponse

from app.delivery import MemorySender
from app.primitives.clock import FrozenClock
from tests.clients import AuthClient
from tests.conftest import AppFor, runtime_of
from tests.http.wire import assert_refused, stored_rows
from tests.rows import claims_of, event_kinds, events

NOT_A_MEMBER = (403, "ACCESS_DENIED", "User does not belong to this tenant")
EMAIL = "ada@example.test"


@pytest.fixture
def tenants(client: AuthClient, clock: FrozenClock) -> list[str]:
    """Three tenants: Ada belongs to the first two."""
    client.sign_up()
    organizations = runtime_of(client.app).engine.organizations
    made = [organizations.create(slug=slug, name=slug).id for slug in ("first", "second", "third")]
    for slug in ("first", "second"):
        clock.advance(timedelta(seconds=1))
        organizations.add_member(slug, 1)
    return [str(tenant) for tenant in made]


def assert_kept_out(client: AuthClient, refused: TestResponse, *answer: object) -> None:
    assert_refused(refused, *answer)
    assert len(events(client.app, "session:login:succeeded")) == 1
    assert event_kinds(client.app)[-1] == "session:login:refused"


def test_session_is_opened_in_the_tenant_that_is_asked_for(client: AuthClient, tenants: list[str]) -> None:
    for asked, opened in ((None, 0), (tenants[0], 0), (tenants[1], 1), (tenants[1].upper(), 1)):
        assert client.log_in(tenantId=asked).status_code == 200
        assert claims_of(client.current_access_token())["tenantId"] == tenants[opened]


def test_tenant_that_one_does_not_belong_to_is_denied_with_the_right_password_only(
    client: AuthClient, tenants: list[str]
) -> None:
    device, before = client.another_device(), stored_rows(client.app)
    for tenant in (tenants[2], str(uuid4())):
        assert_kept_out(client, device.log_in(tenantId=tenant), *NOT_A_MEMBER)
        assert_refused(device.log_in(password="wrong", tenantId=tenant), 401, "INVALID_CREDENTIALS")
        assert_refused(device.log_in("eve@example.test", tenantId=tenant), 401, "INVALID_CREDENTIALS")
    assert stored_rows(client.app) == before


def test_suspended_tenant_is_denied_as_a_strange_one_is(client: AuthClient, tenants: list[str]) -> None:
    runtime_of(client.app).engine.organizations.suspend("second")
    assert_kept_out(client, client.another_device().log_in(tenantId=tenants[1]), *NOT_A_MEMBER)


@pytest.mark.parametrize(("guard", "status"), [("web", 200), (None, 200), ("admin", 403)])
def test_role_of_the_guard_must_be_held(client: AuthClient, guard: str | None, status: int) -> None:
    client.sign_up()
    device, before = client.another_device(), stored_rows(client.app)

    answer = device.log_in(guard=guard)

    assert answer.status_code == status
    if status == 403:
        assert_kept_out(client, answer, 403, "ACCESS_DENIED")
        assert stored_rows(client.app) == before
        assert_refused(device.log_in(password="wrong", guard=guard), 401, "INVALID_CREDENTIALS")


@pytest.mark.parametrize(
    ("asked", "status"),
    [({"guard": "admin"}, 403), ({"tenantId": str(uuid4())}, 403), ({"guard": "web"}, 200)],
)
def test_login_by_a_code_is_asked_the_same(
    app_for: AppFor, transport: str, outbox: MemorySender, asked: dict[str, str], status: int
) -> None:
    client = AuthClient(app_for(access_token_type=transport, passwordless="true"), transport)
    client.sign_up()
    client.post("/auth/passwordless/send", {"identifier": EMAIL, "channel": "email"})
    code = re.search(r"^(\d{6})$", outbox.messages[-1].text, re.MULTILINE)
    assert code is not None
    credentials = {"identifier": EMAIL, "code": code[1]}
    device, body = client.another_device(), {"providerName": "passwordless", "credentials": credentials}

    answer = device.post("/auth/login", {**body, **asked})

    assert answer.status_code == status
    if status == 403:
        assert_kept_out(client, answer, 403, "ACCESS_DENIED")
        assert_refused(device.post("/auth/login", body), 400, "VERIFICATION_CODE_INVALID")
