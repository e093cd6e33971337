"""A dump of a while ago is restored: the newest tokens live on, and the runbook ends what it must."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tests.reliability.clusters import PostgresCluster
from tests.reliability.driver import Client, Service, log_in
from tests.reliability.history import History, Outcome
from tests.reliability.load import CLIENTS, prepare
from tests.reliability.promises import SHORT_GRACE, assert_promises_held
from tests.reliability.server import Server, running_server

SETTINGS = {"KEYTURN_REFRESH_GRACE_SECONDS": str(SHORT_GRACE)}
LOGGED_OUT = 10
ROTATIONS = 3
AHEAD = "SELECT count(*) FROM security_events WHERE kind = 'session:refresh:ahead'"


async def rotate(clients: list[Client]) -> set[Outcome]:
    """Refresh several times each; returns the different last answers."""
    answers = await asyncio.gather(*(client.refresh_in_a_loop(ROTATIONS) for client in clients))
    return {answer.outcome for answer in answers}


async def present(clients: list[Client]) -> list[Outcome]:
    return [answer.outcome for answer in await asyncio.gather(*(client.refresh() for client in clients))]


def restore(server: Server, cluster: PostgresCluster, dump: Path) -> None:
    server.stop()
    cluster.administer("DROP DATABASE keyturn")
    cluster.administer("CREATE DATABASE keyturn")
    cluster.restore(dump)
    server.start()


def test_restored_backup_logs_nobody_out_until_the_runbook_does(
    postgresql: PostgresCluster, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    """Ends of sessions made since the backup are lost, so the runbook ends all sessions from before it."""
    history, lost = History(), History()
    dump = tmp_path / "dump.sql"
    with running_server(postgresql.url(), SETTINGS) as server:
        service = Service(server.base_url, history)
        load = asyncio.run(prepare(service, visitors=1))
        # Their logout will be lost: that is no broken promise, but what this test is about.
        leavers = asyncio.run(prepare(Service(server.base_url, lost), LOGGED_OUT, 0)).residents
        postgresql.dump(dump)
        assert asyncio.run(rotate(load.residents)) == {Outcome.OK}
        assert asyncio.run(log_everybody_out(leavers)) == {Outcome.OK}

        restore(server, postgresql, dump)
        restored_at = datetime.now(UTC)

        assert set(asyncio.run(present(load.residents))) == {Outcome.OK}
        held = assert_promises_held(history, postgresql.url(), SHORT_GRACE)
        revived = asyncio.run(present(leavers)).count(Outcome.OK)
        ((ahead,),) = postgresql.query(AHEAD)
        newcomer = asyncio.run(log_in(Service(server.base_url, lost), "newcomer", load.visitors[0]))

        server.flask("sessions", "revoke-before", restored_at.isoformat())

        assert set(asyncio.run(present([*load.residents, *leavers]))) == {Outcome.REFUSED}
        assert asyncio.run(newcomer.refresh()).is_ok
    figure(
        f"F32 restored a dump of {ROTATIONS} rotations ago: {held}; {ahead} refreshes were ahead of the "
        f"database; {revived} of {LOGGED_OUT} logouts since the dump lost; after `sessions revoke-before` 0 "
        f"of {CLIENTS + LOGGED_OUT} older sessions live, 1 of 1 newer"
    )


async def log_everybody_out(clients: list[Client]) -> set[Outcome]:
    return {answer.outcome for answer in await asyncio.gather(*(client.logout() for client in clients))}
