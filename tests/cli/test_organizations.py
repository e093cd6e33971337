"""`organizations create`, `suspend`, `reinstate`, `list`."""

import pytest

from app.engine.events import EventKind
from app.engine.refreshing import EndReason

CREATE = ("organizations", "create", "--slug", "acme", "--name", "Acme Inc")
ADA = ("users", "create", "--email", "ada@example.test", "--password", "correct horse battery")


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


@pytest.mark.parametrize("command", ["suspend", "reinstate"])
def test_an_unknown_slug_is_one_sentence(service, command):
    assert service.run("organizations", command, "acme", exits=1).stderr == "Error: no organization acme\n"


def test_a_slug_in_use_or_of_another_form_is_refused(service):
    service.run(*CREATE)

    assert service.run(*CREATE, exits=1).stderr == "Error: This slug is already in use.\n"
    result = service.run("organizations", "create", "--slug", "Acme Inc", "--name", "Acme", exits=1)
    assert result.stderr == "Error: slug must be lower-case letters, digits and single hyphens\n"
