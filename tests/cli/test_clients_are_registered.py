"""`clients create`, `clients list` and `clients delete`."""

import pytest

from app.engine.errors import InvalidClient
from app.engine.events import EventKind


def test_secret_of_a_confidential_client_is_printed_once_and_proves_it(service):
    result = service.run("clients", "create", "--id", "web", "--confidential", "--name", "Web shop")

    sentence, _, secret = result.stdout.strip().rpartition(" ")
    assert sentence == "Created the confidential client web. Its secret, shown only now:"
    assert secret.startswith("kts_")
    assert len(secret) == 47
    service.engine.oauth_clients.authenticate("web", secret)
    assert secret not in service.run("clients", "list").stdout
    assert "secret" not in service.run_json("clients", "list")[0]


def test_public_client_has_no_secret(service):
    assert (
        service.run("clients", "create", "--id", "app", "--public").stdout
        == "Created the public client app.\n"
    )
    service.engine.oauth_clients.authenticate("app", None)


def test_json_holds_the_secret_of_a_confidential_client_only(service):
    web = service.run_json("clients", "create", "--id", "web", "--confidential")
    app = service.run_json("clients", "create", "--id", "app", "--public", "--name", "App")

    service.engine.oauth_clients.authenticate("web", web.pop("secret"))
    assert web == {"id": "web", "name": None, "kind": "confidential", "created_at": "2026-03-01T12:00:00Z"}
    assert app == {"id": "app", "name": "App", "kind": "public", "created_at": "2026-03-01T12:00:00Z"}


def test_no_two_secrets_are_alike(service):
    made = [
        service.run_json("clients", "create", "--id", f"web-{number}", "--confidential")["secret"]
        for number in range(5)
    ]
    assert len(set(made)) == 5


def test_kind_must_be_said(service):
    assert "--public or --confidential" in service.run("clients", "create", "--id", "web", exits=2).stderr
    assert service.run_json("clients", "list") == []


@pytest.mark.parametrize("client_id", ["", "we b", "wéb", "a:b", "a/b", "a" * 65, "web\n"])
def test_id_that_would_be_written_in_two_ways_is_refused(service, client_id):
    result = service.run("clients", "create", "--id", client_id, "--public", exits=1)
    assert result.stderr.startswith("Error: id must be 1 to 64 letters")


@pytest.mark.parametrize("name", ["", "n" * 256])
def test_name_of_no_or_too_great_length_is_refused(service, name):
    result = service.run("clients", "create", "--id", "web", "--public", "--name", name, exits=1)
    assert result.stderr == "Error: name must be 1 to 255 characters\n"


def test_id_in_use_is_refused_and_the_client_stays_as_it_was(service):
    secret = service.run_json("clients", "create", "--id", "web", "--confidential")["secret"]

    result = service.run("clients", "create", "--id", "web", "--public", exits=1)

    assert result.stderr == "Error: This client id is already in use.\n"
    service.engine.oauth_clients.authenticate("web", secret)


def test_clients_are_listed_by_id(service):
    assert service.run("clients", "list").stdout == "No clients.\n"
    service.run("clients", "create", "--id", "web", "--confidential", "--name", "Web shop")
    service.run("clients", "create", "--id", "app", "--public")

    heads, first, second = service.run("clients", "list").stdout.splitlines()

    assert heads.split() == ["ID", "NAME", "KIND", "CREATED", "AT"]
    assert first.split() == ["app", "-", "public", "2026-03-01", "12:00:00Z"]
    assert second.startswith("web  Web shop  confidential")


def test_deleted_client_is_unknown(service):
    service.run("clients", "create", "--id", "app", "--public")

    assert service.run("clients", "delete", "app").stdout == "Deleted the client app; sessions ended: 0.\n"

    with pytest.raises(InvalidClient):
        service.engine.oauth_clients.authenticate("app", None)
    assert service.run("clients", "delete", "app", exits=1).stderr == "Error: no client app\n"


def test_events_name_the_client_and_an_administrator(service):
    service.run("clients", "create", "--id", "app", "--public")
    service.run("clients", "delete", "app")

    (created,), (deleted,) = (
        service.events(kind) for kind in (EventKind.CLIENT_CREATED, EventKind.CLIENT_DELETED)
    )
    assert (created.actor, created.details) == ("administrator", {"client_id": "app"})
    assert (deleted.actor, deleted.details) == ("administrator", {"client_id": "app", "count": 0})
