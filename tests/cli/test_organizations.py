"""`organizations` and its commands: the tenants, what they ask, and who belongs to them."""

import re

import pytest

from app.delivery import Channel
from app.engine.accounts import Registration
from app.engine.client import Client
from app.engine.errors import InvalidCode
from app.engine.events import EventKind
from app.engine.refreshing import EndReason
from tests.cli.conftest import EMAIL, PASSWORD

CLIENT = Client(ip_address="192.0.2.7", user_agent="Firefox")

CREATE = ("organizations", "create", "--slug", "acme", "--name", "Acme Inc")
ADA = ("users", "create", "--email", EMAIL, "--password", PASSWORD)


def test_an_organization_is_created_with_its_tier(service):
    document = service.run_json(*CREATE, "--tier", "BUSINESS")

    assert service.engine.organizations.find("acme").id.hex == document["id"].replace("-", "")
    assert (document["tier"], document["status"]) == ("BUSINESS", "active")
    assert [event.actor for event in service.events(EventKind.ORGANIZATION_CREATED)] == ["administrator"]


def test_suspending_ends_the_sessions_of_its_members_until_it_is_reinstated(service):
    service.run(*CREATE)
    service.run(*ADA, "--organization", "acme")
    session = service.log_in()

    assert service.run("organizations", "suspend", "acme").stdout == "Suspended acme; sessions ended: 1.\n"
    assert service.engine.sessions.look_up(session.id).session.revoked_reason == EndReason.SUSPENDED
    assert service.run_json("organizations", "list")[0]["status"] == "suspended"

    assert service.run_json("organizations", "reinstate", "acme")["status"] == "active"
    assert service.log_in().organization_id == session.organization_id
    assert len(service.events(EventKind.ORGANIZATION_SUSPENDED)) == 1


def test_organizations_are_listed_by_slug(service):
    assert service.run("organizations", "list").stdout == "No organizations.\n"
    service.run("organizations", "create", "--slug", "zeta", "--name", "Zeta")
    service.run(*CREATE)

    assert [row["slug"] for row in service.run_json("organizations", "list")] == ["acme", "zeta"]
    assert len(service.run("organizations", "list").stdout.splitlines()) == 3


@pytest.mark.parametrize(
    "command",
    [
        ("suspend", "acme"),
        ("reinstate", "acme"),
        ("members", "acme"),
        ("set", "acme", "--mfa-required"),
        ("set-member", "acme", "ada@example.test"),
        ("remove-member", "acme", "ada@example.test"),
    ],
)
def test_an_unknown_slug_is_one_sentence(service, command):
    service.run(*ADA)

    assert service.run("organizations", *command, exits=1).stderr == "Error: no organization acme\n"
    assert service.run("organizations", "list").stdout == "No organizations.\n"


def test_a_slug_in_use_or_of_another_form_is_refused(service):
    service.run(*CREATE)

    assert service.run(*CREATE, exits=1).stderr == "Error: This slug is already in use.\n"
    result = service.run("organizations", "create", "--slug", "Acme Inc", "--name", "Acme", exits=1)
    assert result.stderr == "Error: slug must be lower-case letters, digits and single hyphens\n"


def test_a_person_gets_a_second_organization_and_another_place_in_it(service):
    service.run(*CREATE)
    service.run("organizations", "create", "--slug", "zeta", "--name", "Zeta")
    service.run(*ADA, "--organization", "acme")

    said = service.run("organizations", "set-member", "zeta", "ada@example.test").stdout
    assert said == "ada@example.test is a member of zeta: MEMBER.\n"
    added, joined = service.events(EventKind.MEMBERSHIP_ADDED)
    assert (joined.actor, joined.details) == ("administrator", {"role": "MEMBER", "is_admin": False})
    assert added.user_id == joined.user_id == service.person().id
    assert len(service.engine.organizations.list_of(service.person().id)) == 2

    changed = service.run_json("organizations", "set-member", "zeta", "ada@example.test", "--admin")
    assert (changed["role"], changed["is_admin"]) == ("MEMBER", True)
    said = service.run("organizations", "set-member", "zeta", "ada@example.test", "--role", "AUDITOR").stdout
    assert said == "ada@example.test is a member of zeta: AUDITOR, administrator.\n"
    places = [event.details for event in service.events(EventKind.MEMBERSHIP_CHANGED)]
    assert places == [{"role": "MEMBER", "is_admin": True}, {"role": "AUDITOR", "is_admin": True}]
    assert service.run_json("organizations", "members", "zeta")[0]["role"] == "AUDITOR"
    assert len(service.events(EventKind.MEMBERSHIP_ADDED)) == 2


def test_a_role_that_cannot_be_stored_changes_nothing(service):
    service.run(*CREATE)
    service.run(*ADA, "--organization", "acme")

    result = service.run("organizations", "set-member", "acme", EMAIL, "--role", "R" * 65, "--admin", exits=1)

    assert result.stderr == "Error: role must be at most 64 characters\n"
    assert service.run_json("organizations", "members", "acme")[0]["is_admin"] is False
    assert service.events(EventKind.MEMBERSHIP_CHANGED) == []


def test_removing_a_member_ends_their_sessions_in_that_organization_alone(service):
    service.run(*CREATE)
    service.run(*ADA)
    outside = service.log_in()
    service.run("organizations", "set-member", "acme", EMAIL)
    inside = service.log_in()

    said = service.run("organizations", "remove-member", "acme", EMAIL).stdout

    assert said == f"{EMAIL} is no member of acme any more; sessions ended: 1.\n"
    find = service.engine.sessions.look_up
    assert find(inside.id).session.revoked_reason == EndReason.ADMINISTRATOR
    assert find(outside.id).session.revoked_at is None
    (removed,) = service.events(EventKind.MEMBERSHIP_REMOVED)
    assert (removed.actor, removed.details) == ("administrator", {"count": 1})
    assert service.log_in().organization_id is None
    assert service.run("organizations", "members", "acme").stdout == "Nobody.\n"

    # Whoever comes back finds the ended sessions ended.
    service.run("organizations", "set-member", "acme", EMAIL)
    assert find(inside.id).session.revoked_at is not None


def test_whoever_is_no_member_cannot_be_removed(service):
    service.run(*CREATE)
    service.run(*ADA)

    result = service.run("organizations", "remove-member", "acme", EMAIL, exits=1)

    assert result.stderr == "Error: no member of acme\n"
    assert service.events(EventKind.MEMBERSHIP_REMOVED) == []


def test_the_link_of_an_invitation_leads_nobody_back_who_was_removed(service):
    service.run(*CREATE)
    invited = Registration(password=None, email=EMAIL, organization_slug="acme")
    service.engine.invitations.invite(invited, CLIENT, path="/accept?token=")
    token = re.search(r"token=(\S+)", service.sender.messages[-1].text)[1]
    service.run("organizations", "remove-member", "acme", EMAIL)

    with pytest.raises(InvalidCode):
        service.engine.invitations.accept(token, PASSWORD, CLIENT, service.engine.login_rule)

    assert service.run("organizations", "members", "acme").stdout == "Nobody.\n"


def test_members_are_listed_in_pieces(service):
    service.run(*CREATE)
    for name in ("ada", "bea"):
        email = f"{name}@example.test"
        service.run("users", "create", "--email", email, "--password", PASSWORD, "--organization", "acme")

    first = service.run("organizations", "members", "acme", "--limit", "1")
    assert "ada@example.test" in first.stdout
    assert first.stderr == "There may be more: --after 1\n"
    rest = service.run("organizations", "members", "acme", "--after", "1")
    assert "bea@example.test" in rest.stdout
    assert "ada@example.test" not in rest.stdout


def test_rules_of_an_organization_are_set_one_by_one(service):
    service.run(*CREATE)

    assert service.run("organizations", "set", "acme", "--mfa-required").stdout == (
        "Changed mfa_required of acme.\n"
    )
    document = service.run_json("organizations", "set", "acme", "--open-sign-up", "--no-mfa-required")

    assert document["settings"] == {"mfa_required": False, "open_sign_up": True}
    fields = [event.details["fields"] for event in service.events(EventKind.ORGANIZATION_CHANGED)]
    assert fields == [["mfa_required"], ["mfa_required", "open_sign_up"]]
    assert "name something to change" in service.run("organizations", "set", "acme", exits=2).stderr


@pytest.mark.parametrize("is_proven", [True, False])
def test_a_member_whose_address_is_not_proven_is_told_of(service, is_proven):
    service.run(*CREATE)
    service.run(*ADA)
    if is_proven:
        ada = service.engine.sessions.look_up(service.log_in().id)
        service.engine.verification.send(ada, Channel.MAIL, CLIENT)
        code = re.search(r"^(\d{6})$", service.sender.messages[-1].text, re.MULTILINE)[1]
        service.engine.verification.confirm(ada, Channel.MAIL, code, CLIENT)

    said = service.run("organizations", "set-member", "acme", EMAIL)

    assert ("not proven" in said.stderr) is not is_proven
    assert said.stdout == f"{EMAIL} is a member of acme: MEMBER.\n"
