"""Register: section 4 of the contract."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.test import TestResponse

from tests.clients import PASSWORD
from tests.conftest import AppFor, on_every_database, runtime_of
from tests.contracts.entryguard_client import BASE, EntryGuardClient, assert_refused
from tests.http.wire import stored_rows
from tests.rows import all_sessions, event_kinds


@pytest.fixture
def client(app_for: AppFor, transport: str) -> EntryGuardClient:
    return EntryGuardClient(app_for(contracts="entryguard", access_token_type=transport), transport)


def test_register_founds_an_organization_with_its_first_administrator(client: EntryGuardClient):
    """[docs] 201 with the five fields of refresh; subscriptionTier is FREE and isOrgAdmin is true"""
    answer = client.sign_up(name="Ada Example")

    body = answer.get_json()
    tokens = {name: body.pop(name) for name in ("accessToken", "refreshToken") if name in body}
    user = body.pop("user")
    assert answer.status_code == 201
    assert bool(tokens) == (client.transport == "header")
    assert body == {"expiresIn": 3600, "tokenType": "Bearer"}
    assert (user["name"], user["isOrgAdmin"], user["subscriptionTier"]) == ("Ada Example", True, "FREE")
    assert (user["organizationName"], user["organizationSlug"]) == ("Example Works", "example-works")
    assert event_kinds(client.app) == [
        "account:self:created",
        "organization:self:created",
        "account:code:sent",
        "session:login:succeeded",
    ]


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Example Works", "example-works"),
        ("  R&D -- Ltd. (NL) ", "r-d-ltd-nl"),
        ("Ärzte", "rzte"),
        ("日本", "organization"),
        ("x" * 255, "x" * 100),
    ],
)
def test_slug_is_the_name_in_lower_case_with_hyphens(client: EntryGuardClient, name: str, slug: str):
    """[docs] Slug: lower-case the name, turn runs of spaces and other characters into one hyphen"""
    assert client.sign_up(organization=name).get_json()["user"]["organizationSlug"] == slug


def test_slug_that_is_taken_gets_a_number(client: EntryGuardClient):
    client.sign_up()
    slugs = [
        client.another_device().sign_up(f"{name}@example.test").get_json()["user"]["organizationSlug"]
        for name in ("bea", "cleo")
    ]

    assert slugs == ["example-works-2", "example-works-3"]


@on_every_database
def test_organizations_of_one_name_founded_at_once_all_get_slugs_of_their_own(app_for: AppFor):
    app = app_for(contracts="entryguard")

    def found(number: int) -> TestResponse:
        return EntryGuardClient(app, "header").sign_up(f"user{number}@example.test")

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(found, range(4)))

    assert [answer.status_code for answer in answers] == [201] * 4, [answer.text for answer in answers]
    slugs = {answer.get_json()["user"]["organizationSlug"] for answer in answers}
    organizations = runtime_of(app).engine.organizations.list_all()
    assert {organization.slug for organization in organizations} == slugs
    assert len(slugs) == 4


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ({"email": "a@b.test", "password": PASSWORD}, {"organizationName": "organizationName is required"}),
        (
            {"organizationName": "  ", "email": "a@b.test", "password": PASSWORD},
            {"organizationName": "organizationName must not be blank"},
        ),
        ({"organizationName": "W", "password": PASSWORD}, {"email": "email is required"}),
        (
            {"organizationName": "W", "email": "ada", "password": PASSWORD},
            {"email": "email must be an email"},
        ),
        (
            {"organizationName": "W", "email": "a@b.test", "password": "short"},
            {"password": "password must be at least 8 characters"},
        ),
        (
            {"organizationName": "W", "email": "a@b.test", "password": "x" * 129},
            {"password": "password must be at most 128 characters"},
        ),
        (
            {"organizationName": 1, "email": None, "password": PASSWORD},
            {"organizationName": "organizationName must be a string", "email": "email must be a string"},
        ),
    ],
)
def test_register_with_unusable_data_names_each_field_and_stores_nothing(
    client: EntryGuardClient, body: dict[str, object], problems: dict[str, str]
):
    """[docs] validationErrors: object field -> text, only on 400 validation failures"""
    before = stored_rows(client.app)

    refused = client.post(f"{BASE}/register", body)

    assert_refused(refused, 400, next(iter(problems.values())), problems=problems)
    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == []


def test_taken_address_is_refused_and_leaves_no_organization(client: EntryGuardClient):
    client.sign_up()
    before, seen = stored_rows(client.app), event_kinds(client.app)

    refused = client.another_device().sign_up("ADA@example.test", "Another Name")

    assert_refused(refused, 409, "email is already registered")
    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen


def test_registrations_from_one_address_are_limited(app_for: AppFor):
    client = EntryGuardClient(app_for(contracts="entryguard", rate_limit_signup="5 per hour"), "header")
    answers = [client.another_device().sign_up(f"user{number}@example.test") for number in range(6)]

    assert [answer.status_code for answer in answers] == [201] * 5 + [429]
    assert_refused(answers[-1], 429)
    assert int(answers[-1].headers["Retry-After"]) > 0
    people = runtime_of(client.app).engine.accounts.list_all(limit=10)
    assert len(people) == 5


def test_suspended_organization_is_closed_to_its_founder_until_it_is_reinstated(client: EntryGuardClient):
    client.sign_up()
    organizations = runtime_of(client.app).engine.organizations
    organizations.suspend("example-works")

    assert_refused(client.another_device().log_in(), 403, "organization is suspended")
    organizations.reinstate("example-works")
    assert client.another_device().log_in().status_code == 200


def test_register_where_a_second_factor_is_demanded_opens_a_session_that_can_only_enrol(
    app_for: AppFor, transport: str
):
    app = app_for(contracts="entryguard", access_token_type=transport, mfa_required="true")
    client = EntryGuardClient(app, transport)

    answer = client.sign_up()

    body = answer.get_json()
    assert answer.status_code == 201
    assert (body["mfaRequired"], body["mfaSetupRequired"], body["passwordExpired"]) == (False, True, False)
    assert body["user"]["organizationSlug"] == "example-works"
    assert [row.mfa_pending for row in all_sessions(app)] == [True]
    assert event_kinds(app)[-1] == "session:login:succeeded"
    assert_refused(client.use(), 401)
    assert client.post("/api/v1/mfa/setup").status_code == 200


def test_person_who_is_made_a_member_logs_in_without_being_administrator(client: EntryGuardClient):
    client.sign_up()
    engine = runtime_of(client.app).engine
    bea = client.another_device()
    bea.sign_up("bea@example.test", "Other")
    engine.organizations.add_member("example-works", 2)

    user = bea.log_in("bea@example.test").get_json()["user"]

    assert (user["organizationSlug"], user["isOrgAdmin"]) == ("example-works", False)
