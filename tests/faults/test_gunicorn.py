"""Workers and masters are killed, reloaded and replaced while tokens rotate."""

import os
import random
import time
from collections.abc import Callable

from tests.reliability.clusters import PostgresCluster
from tests.reliability.history import History
from tests.reliability.load import failed_share, failures, keep_under_load, longest_gap_seconds
from tests.reliability.promises import SHORT_GRACE, assert_promises_held
from tests.reliability.server import Server, running_server

SETTINGS = {"KEYTURN_REFRESH_GRACE_SECONDS": str(SHORT_GRACE)}
SEED = 5
KILLS = int(os.environ.get("KEYTURN_TEST_KILLS", "10"))
# A worker takes a second or two to start; killed more often than that, none would ever serve.
KILL_EVERY_SECONDS = 1.0


def hurt(postgresql: PostgresCluster, fault: Callable[[Server], None]) -> tuple[History, str]:
    """Do something to the service under load; returns what happened and the figure of the promises."""
    history = History()
    with running_server(postgresql.url(), SETTINGS) as server:
        keep_under_load(server.base_url, history, lambda: fault(server))
    return history, assert_promises_held(history, postgresql.url(), SHORT_GRACE)


def kill_workers(server: Server) -> None:
    dice = random.Random(SEED)
    for _ in range(KILLS):
        server.kill_a_worker(dice)
        time.sleep(KILL_EVERY_SECONDS)


def test_killed_workers_lose_no_session(postgresql: PostgresCluster, figure: Callable[[str], None]) -> None:
    history, held = hurt(postgresql, kill_workers)
    figure(
        f"F5 SIGKILL of {KILLS} workers, one of two every {KILL_EVERY_SECONDS:.0f} s, seed {SEED}: {held}; "
        f"{failed_share(history)}, longest gap {longest_gap_seconds(history):.1f} s"
    )


def kill_masters(server: Server) -> None:
    for _ in range(2):
        server.kill_master()
        server.start()
        server.kill()
        server.start()


def test_killed_masters_lose_no_session(postgresql: PostgresCluster, figure: Callable[[str], None]) -> None:
    history, held = hurt(postgresql, kill_masters)
    figure(
        f"F5 SIGKILL of the master, alone and with its workers, four times: {held}; {failed_share(history)}, "
        f"longest gap {longest_gap_seconds(history):.1f} s"
    )


def test_replacing_the_master_fails_no_request(
    postgresql: PostgresCluster, figure: Callable[[str], None]
) -> None:
    history, held = hurt(postgresql, Server.upgrade)
    assert not failures(history)
    figure(f"F7 SIGUSR2, then SIGTERM to the old master: {held}; {failed_share(history)}")


def test_stop_and_start_loses_no_session(postgresql: PostgresCluster, figure: Callable[[str], None]) -> None:
    history, held = hurt(postgresql, Server.restart)
    figure(
        f"F7 SIGTERM and start: {held}; {failed_share(history)}, longest gap "
        f"{longest_gap_seconds(history):.1f} s"
    )
