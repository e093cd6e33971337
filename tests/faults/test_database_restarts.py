"""The database is stopped, crashed and killed while tokens rotate; nobody has to sign in again."""

import time
from collections.abc import Callable

import pytest

from tests.reliability.clusters import MariaDb, PostgresCluster
from tests.reliability.history import History
from tests.reliability.load import (
    VISITORS,
    assert_unavailable_only,
    failed_share,
    first_success_after,
    keep_under_load,
    now,
)
from tests.reliability.promises import SHORT_GRACE, assert_promises_held
from tests.reliability.server import running_server

SETTINGS = {"KEYTURN_REFRESH_GRACE_SECONDS": str(SHORT_GRACE)}
DOWN_SECONDS = 2
STOPS: dict[str, Callable[[PostgresCluster], None]] = {
    "stop -m fast": lambda cluster: cluster.stop("fast"),
    "stop -m immediate": lambda cluster: cluster.stop("immediate"),
    "SIGKILL of the postmaster": lambda cluster: cluster.kill(),
}
AHEAD = "SELECT count(*) FROM security_events WHERE kind = 'session:refresh:ahead'"


def restart_under_load(cluster: PostgresCluster, how: str, visitors: int) -> str:
    """Returns the figure, without its title."""
    history = History()

    def stop_and_start() -> float:
        STOPS[how](cluster)
        time.sleep(DOWN_SECONDS)
        cluster.start()
        return now()

    with running_server(cluster.url(), SETTINGS) as server:
        back_at = keep_under_load(server.base_url, history, stop_and_start, visitors=visitors)
    assert_unavailable_only(history)
    held = assert_promises_held(history, cluster.url(), SHORT_GRACE, are_rotations_durable=False)
    ((ahead,),) = cluster.query(AHEAD)
    return f"{held}; {ahead} refreshes were ahead of the database; {recovery(history, back_at)}"


def recovery(history: History, back_at: float) -> str:
    first = first_success_after(history, back_at)
    return f"first success {first:.2f} s after it was back from {DOWN_SECONDS} s; {failed_share(history)}"


@pytest.mark.parametrize("how", STOPS)
def test_no_session_is_lost_over_a_restart_of_postgresql(
    how: str, postgresql: PostgresCluster, figure: Callable[[str], None]
) -> None:
    figure(f"F8 PostgreSQL, {how}: {restart_under_load(postgresql, how, VISITORS)}")


def test_no_session_is_lost_over_a_kill_of_mariadb(mariadb: MariaDb, figure: Callable[[str], None]) -> None:
    history = History()

    def kill_and_start() -> float:
        mariadb.kill()
        time.sleep(DOWN_SECONDS)
        mariadb.start()
        return now()

    with running_server(mariadb.url(), SETTINGS) as server:
        back_at = keep_under_load(server.base_url, history, kill_and_start)
    assert_unavailable_only(history)
    held = assert_promises_held(history, mariadb.url(), SHORT_GRACE)
    figure(f"F8 MariaDB, SIGKILL: {held}; {recovery(history, back_at)}")
