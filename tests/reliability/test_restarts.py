"""The everyday share of the restarts: a reload that nobody notices, kills and a crash that log nobody out."""

import random
import time
from collections.abc import Callable

from tests.reliability.clusters import PostgresCluster
from tests.reliability.databases import fresh_database
from tests.reliability.history import History
from tests.reliability.load import (
    assert_unavailable_only,
    failed_share,
    failures,
    keep_under_load,
    only_rotate,
)
from tests.reliability.promises import SHORT_GRACE, assert_promises_held
from tests.reliability.server import Server, running_server

SETTINGS = {"KEYTURN_REFRESH_GRACE_SECONDS": str(SHORT_GRACE)}
RESIDENTS, SEED = 20, 5
AHEAD = "SELECT count(*) FROM security_events WHERE kind = 'session:refresh:ahead'"


def test_graceful_reload_fails_no_request(figure: Callable[[str], None]) -> None:
    history = History()
    with fresh_database("postgresql") as database_url:
        with running_server(database_url, SETTINGS) as server:
            keep_under_load(server.base_url, history, server.reload, residents=RESIDENTS)
        held = assert_promises_held(history, database_url, SHORT_GRACE)
    assert not failures(history)
    figure(f"F7 SIGHUP: {held}; {failed_share(history)}")


def kill_workers_and_master(server: Server) -> None:
    dice = random.Random(SEED)
    for _ in range(2):
        server.kill_a_worker(dice)
        time.sleep(1)
    server.kill_master()
    server.start()


def test_killed_workers_and_master_lose_no_session(figure: Callable[[str], None]) -> None:
    history = History()
    with fresh_database("postgresql") as database_url:
        with running_server(database_url, SETTINGS) as server:
            keep_under_load(
                server.base_url, history, lambda: kill_workers_and_master(server), residents=RESIDENTS
            )
        held = assert_promises_held(history, database_url, SHORT_GRACE)
    figure(f"F5 SIGKILL of two workers and the master, seed {SEED}: {held}; {failed_share(history)}")


def test_no_session_is_lost_although_a_crash_has_lost_rotations(figure: Callable[[str], None]) -> None:
    """Nobody logs in or out or uses a token, so no durable commit takes rotations along to the disk."""
    history = History()
    with PostgresCluster.running(wal_writer_delay="10s") as cluster:

        def crash() -> None:
            # Twice, since the first may come in the moment after rotations were written.
            for _ in range(2):
                cluster.stop("immediate")
                cluster.start()
                time.sleep(1)

        with running_server(cluster.url(), SETTINGS) as server:
            keep_under_load(
                server.base_url, history, crash, residents=RESIDENTS, visitors=0, stay=only_rotate
            )
        held = assert_promises_held(history, cluster.url(), SHORT_GRACE)
        ((ahead,),) = cluster.query(AHEAD)
    assert_unavailable_only(history)
    assert ahead
    figure(
        f"F8 PostgreSQL, stop -m immediate, rotations written every 10 s only: {held}; {ahead} refreshes "
        f"were ahead of the database"
    )
