"""`users create` and what it refuses."""

import pytest

from app.engine.errors import NotFound
from app.engine.events import EventKind

CREATE = ("users", "create", "--email", "Ada@Example.test", "--password", "correct horse battery")


def test_a_created_person_can_log_in_and_both_ids_are_printed(service):
    result = service.run(*CREATE, "--name", "Ada", "--username", "ada", "--role", "ADMIN")

    person = service.person("ada@example.test")
    assert result.stdout == f"Created ada@example.test: id {person.id}, uuid {person.uuid}.\n"
    assert (person.name, person.username, person.role) == ("Ada", "ada", "ADMIN")
    assert service.log_in().user_id == person.id


def test_json_holds_the_ids_and_no_password(service):
    document = service.run_json(*CREATE)

    person = service.person("ada@example.test")
    assert (document["id"], document["uuid"]) == (person.id, str(person.uuid))
    assert (document["organization"], document["is_admin"]) == (None, False)
    assert not any("password" in name and name != "must_change_password" for name in document)


def test_the_event_names_an_administrator(service):
    service.run(*CREATE)

    (event,) = service.events(EventKind.ACCOUNT_CREATED)
    assert (event.actor, event.user_id) == ("administrator", service.person("ada@example.test").id)


def test_a_person_becomes_administrator_of_an_organization(service):
    service.run("organizations", "create", "--slug", "acme", "--name", "Acme")

    result = service.run(*CREATE, "--organization", "acme", "--admin")

    assert result.stdout.endswith("Member of acme, administrator.\n")
    organization = service.engine.sessions.look_up(service.log_in().id).organization
    assert (organization.slug, organization.is_member, organization.is_admin) == ("acme", True, True)


def test_without_admin_a_person_is_a_plain_member(service):
    service.run("organizations", "create", "--slug", "acme", "--name", "Acme")
    service.run(*CREATE, "--organization", "acme")

    assert not service.engine.sessions.look_up(service.log_in().id).organization.is_admin


def test_a_password_meets_the_rules_of_the_organization(service):
    service.run("organizations", "create", "--slug", "acme", "--name", "Acme")
    acme = service.engine.organizations.find("acme").id
    service.engine.organizations.change_settings(acme, {"password": {"digit": True}}, None)

    result = service.run(*CREATE, "--organization", "acme", exits=1)

    assert (result.stdout, result.stderr) == ("", "Error: password must contain a digit\n")
    with pytest.raises(NotFound):
        service.person("ada@example.test")
    assert service.events(EventKind.ACCOUNT_CREATED) == []
    service.run(*CREATE[:-1], "correct horse 7 battery", "--organization", "acme")


def test_nobody_is_created_for_an_unknown_organization(service):
    result = service.run(*CREATE, "--organization", "nowhere", exits=1)

    assert (result.stdout, result.stderr) == ("", "Error: no organization nowhere\n")
    with pytest.raises(NotFound):
        service.person("ada@example.test")


def test_admin_without_an_organization_is_wrong_usage(service):
    assert "--admin needs --organization" in service.run(*CREATE, "--admin", exits=2).stderr
    assert service.run_json("users", "list") == []


def test_an_address_in_use_is_refused_with_a_sentence(ada):
    assert ada.run(*CREATE, exits=1).stderr == "Error: This e-mail address is already in use.\n"


@pytest.mark.parametrize(
    ("email", "password", "sentence"),
    [
        ("ada", "correct horse battery", "email must be an email"),
        ("ada@example.test", "short", "password must be at least 8 characters"),
        ("ada@example.test", "ada@example.test", "password must not be your own name or address"),
    ],
)
def test_what_will_not_do_is_refused_with_a_sentence(service, email, password, sentence):
    result = service.run("users", "create", "--email", email, "--password", password, exits=1)

    assert result.stderr == f"Error: {sentence}\n"


def test_a_password_that_is_left_out_is_asked_for_twice(service):
    service.run("users", "create", "--email", "ada@example.test", input="battery staple\nbattery staple\n")

    assert service.log_in(password="battery staple")
