"""A MariaDB server that is a replica, or turns into one, decides nothing: there, ended sessions are live."""

import logging
from collections.abc import Iterator

import pytest

from tests.clients import AuthClient
from tests.conftest import AppFor
from tests.http.wire import stored_rows
from tests.reliability.clusters import MariaDb
from tests.reliability.databases import connected
from tests.rows import event_kinds

REASON = "the server is read-only, as a replica is"


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDb]:
    """A server with a user who, unlike root, may not write where it is read-only."""
    with MariaDb.running(**{"skip-name-resolve": "ON"}) as server:
        server.query("CREATE USER keyturn@127.0.0.1")
        server.query("GRANT ALL ON keyturn.* TO keyturn@127.0.0.1")
        yield server


@pytest.fixture
def client(app_for: AppFor, server: MariaDb) -> Iterator[AuthClient]:
    """Somebody who is signed in."""
    with connected(server.url()):
        device = AuthClient(app_for(database_url=server.url("keyturn")), "header")
        device.sign_up()
        yield device
    server.query("DROP DATABASE keyturn")
    server.query("CREATE DATABASE keyturn")


@pytest.fixture
def replica(server: MariaDb) -> Iterator[MariaDb]:
    """The same server, now as one that copies another."""
    server.query("SET GLOBAL read_only = ON")
    yield server
    server.query("SET GLOBAL read_only = OFF")


def test_host_on_a_replica_answers_503_and_grants_nothing(
    client: AuthClient, app_for: AppFor, replica: MariaDb, caplog: pytest.LogCaptureFixture
) -> None:
    host = AuthClient(app_for(database_url=replica.url("keyturn")), "header")
    host.hold(access_token=client.access_token, refresh_token=client.refresh_token)
    before = stored_rows(client.app), event_kinds(client.app)
    with caplog.at_level(logging.INFO, "app"):
        answers = [host.use(), host.refresh(), host.log_in(), host.log_out(), host.get("/readyz")]

    assert {answer.status_code for answer in answers} == {503}
    # A probe is answered and not logged.
    assert caplog.text.count(REASON) == len(answers) - 1
    assert (stored_rows(client.app), event_kinds(client.app)) == before
    replica.query("SET GLOBAL read_only = OFF")
    assert host.refresh().status_code == 200


@pytest.mark.parametrize(
    "change", [AuthClient.refresh, AuthClient.log_in], ids=["by one statement", "by more"]
)
def test_server_that_turns_into_a_replica_is_left_at_the_first_change(
    client: AuthClient, change, replica: MariaDb
) -> None:
    """Until then connections of before read it, which says no more than it said a moment ago."""
    assert client.use().status_code == 200
    assert change(client).status_code == 503
    assert client.use().status_code == 503

    replica.query("SET GLOBAL read_only = OFF")
    assert client.refresh().status_code == 200
    assert client.use().status_code == 200
