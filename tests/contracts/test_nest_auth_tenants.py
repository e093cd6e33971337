"""Which tenant a nest_auth sign-up or login leads to, and the roles of which guard: sections 5 and 9."""

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from werkzeug.test import TestResponse

from app.delivery import MemorySender
from app.engine.memberships import OPEN_KEY
from app.primitives.clock import FrozenClock
from tests.clients import PASSWORD, AuthClient
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


TENANT_NOT_FOUND = (400, "TENANT_NOT_FOUND", "Tenant not found")
BEA = {"email": "bea@example.test", "password": PASSWORD}


def open_up(client: AuthClient, tenant: str) -> None:
    organizations = runtime_of(client.app).engine.organizations
    organizations.change_settings(UUID(tenant), {OPEN_KEY: True}, None)


def test_sign_up_makes_a_member_of_a_tenant_that_is_open(client: AuthClient, tenants: list[str]) -> None:
    """[code] `tenantId`, with tenants on"""
    open_up(client, tenants[2])
    bea = client.another_device()

    assert bea.keep(bea.post("/auth/signup", {**BEA, "tenantId": tenants[2].upper()})).status_code == 200

    assert claims_of(bea.current_access_token())["tenantId"] == tenants[2]
    (member,) = runtime_of(client.app).engine.organizations.list_members("third", limit=9)
    assert (member.email, member.role, member.is_admin) == (BEA["email"], "MEMBER", False)
    joined = events(client.app, "organization:membership:added")[-1]
    assert (joined.actor, joined.user_id, joined.organization_id) == ("person", 2, UUID(tenants[2]))
    assert bea.log_in(BEA["email"], tenantId=tenants[2]).status_code == 200


def test_sign_up_to_any_other_tenant_is_refused_alike_and_makes_nobody(
    client: AuthClient, tenants: list[str]
) -> None:
    """[code] 400 TENANT_NOT_FOUND"""
    open_up(client, tenants[1])
    runtime_of(client.app).engine.organizations.suspend("second")
    before, seen = stored_rows(client.app), event_kinds(client.app)
    device = client.another_device()

    for tenant in (tenants[0], tenants[1], str(uuid4())):
        for email in (BEA["email"], EMAIL):
            answer = device.post("/auth/signup", {**BEA, "email": email, "tenantId": tenant})
            assert_refused(answer, *TENANT_NOT_FOUND)
    unreadable = device.post("/auth/signup", {**BEA, "tenantId": "third"})
    assert_refused(unreadable, 400, None, "tenantId must be a UUID")

    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen


def test_sign_up_without_a_tenant_joins_none(client: AuthClient, tenants: list[str]) -> None:
    open_up(client, tenants[2])
    bea = client.another_device()

    assert bea.keep(bea.post("/auth/signup", {**BEA, "tenantId": None})).status_code == 200

    assert "tenantId" not in claims_of(bea.current_access_token())


def test_password_of_a_sign_up_meets_the_rules_of_the_tenant(client: AuthClient, tenants: list[str]) -> None:
    open_up(client, tenants[2])
    organizations = runtime_of(client.app).engine.organizations
    organizations.change_settings(UUID(tenants[2]), {"password": {"minimum_length": 40}}, None)
    before = stored_rows(client.app)

    answer = client.another_device().post("/auth/signup", {**BEA, "tenantId": tenants[2]})

    assert_refused(answer, 400, "PASSWORD_POLICY_VIOLATION")
    assert stored_rows(client.app) == before


def test_login_code_goes_only_to_a_member_of_the_tenant_that_is_named(
    app_for: AppFor, transport: str, outbox: MemorySender
) -> None:
    """[code] `tenantId`; the answer is the same whether or not the account exists"""
    client = AuthClient(app_for(access_token_type=transport, passwordless="true"), transport)
    client.sign_up()
    organizations = runtime_of(client.app).engine.organizations
    own, strange, suspended = (organizations.create(slug=slug, name=slug).id for slug in ("a", "b", "c"))
    for slug in ("a", "c"):
        organizations.add_member(slug, 1)
    organizations.suspend("c")

    def send(tenant: object, identifier: str = EMAIL) -> tuple[int, object]:
        sent = len(outbox.messages)
        body = {"identifier": identifier, "channel": "email", "tenantId": tenant and str(tenant)}
        answer = client.another_device().post("/auth/passwordless/send", body)
        return len(outbox.messages) - sent, (answer.status_code, answer.get_json())

    assert [send(tenant)[0] for tenant in (None, own, strange, suspended, uuid4())] == [1, 1, 0, 0, 0]
    assert send(own)[1] == send(strange, "bea@example.test")[1] == send(own, "eve@example.test")[1]
    trail = events(client.app, "account:code:sent")
    assert [event.user_id for event in trail] == [1, 1, None, None, None, 1, None, None]
