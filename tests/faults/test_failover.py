"""A standby takes over from a crashed primary under load: an asynchronous one, and a synchronous one.

A standby that has not taken over is asked nothing.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.reliability.checker import Windows, check
from tests.reliability.clusters import PostgresCluster
from tests.reliability.databases import final_rows
from tests.reliability.driver import Client, Service, sign_up_many
from tests.reliability.history import History, Operation
from tests.reliability.load import (
    failed_share,
    first_success_after,
    keep_under_load,
    longest_gap_seconds,
    now,
)
from tests.reliability.promises import RECOVERY_SECONDS, SHORT_GRACE, assert_promises_held
from tests.reliability.server import Server, running_server
from tests.reliability.wire import call

SETTINGS = {"KEYTURN_REFRESH_GRACE_SECONDS": str(SHORT_GRACE)}
LAG_SECONDS = 3
PEOPLE = 6
STREAMING = "SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'"
CAUGHT_UP = "SELECT count(*) = 1 FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn()"
LIVE = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL"
SYNCHRONOUS = "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
AHEAD = "SELECT count(*) FROM security_events WHERE kind = 'session:refresh:ahead'"


@contextmanager
def pair() -> Iterator[tuple[PostgresCluster, PostgresCluster]]:
    """A primary and a standby that follows it."""
    with PostgresCluster.running() as primary:
        standby = primary.standby(primary.directory.with_name("standby"))
        with standby.serving():
            primary.await_true(STREAMING)
            yield primary, standby


def fail_over(primary: PostgresCluster, standby: PostgresCluster) -> float:
    """Kill the primary and let the standby take its place and its address, as a virtual address would."""
    primary.stop("immediate")
    standby.promote()
    standby.stop("fast")
    standby.port = primary.port
    standby.start()
    return now()


def recovery(history: History, back_at: float) -> str:
    first = first_success_after(history, back_at)
    gap = longest_gap_seconds(history)
    return f"first success {first:.2f} s after it was back, longest gap {gap:.1f} s, {failed_share(history)}"


def test_lagging_asynchronous_standby_keeps_every_older_session(figure: Callable[[str], None]) -> None:
    """What it had not received is lost: rotations are made up for, logins and logouts are not."""
    history = History()
    with pair() as (primary, standby):

        def lag_and_fail_over() -> tuple[float, float]:
            began_at = now()
            standby.administer("ALTER SYSTEM SET primary_conninfo = ''")
            standby.administer("SELECT pg_reload_conf()")
            time.sleep(LAG_SECONDS)
            return began_at, fail_over(primary, standby)

        with running_server(primary.url(), SETTINGS) as server:
            lag_began_at, back_at = keep_under_load(server.base_url, history, lag_and_fail_over)
        rows = final_rows(standby.url())
        ((ahead,),) = standby.query(AHEAD)
    windows = Windows(SHORT_GRACE, RECOVERY_SECONDS, are_rotations_durable=False)
    broken = {violation.session for violation in check(history, rows, windows)}
    sessions = {i.session for i in history}
    logins = [i for i in history if i.operation is Operation.LOGIN]
    young = {login.session for login in logins if login.ended_at > lag_began_at}
    logouts = [i for i in history if i.operation is Operation.LOGOUT]
    logged_out = {logout.session for logout in logouts if logout.ended_at > lag_began_at}
    assert broken <= young | logged_out
    missing = len([session for session in sessions if session not in rows])
    revived = len([session for session in broken & logged_out if session in rows])
    survived = 100 * (1 - missing / len(sessions))
    figure(
        f"F9 asynchronous standby, {LAG_SECONDS} s behind: {survived:.1f} % of {len(sessions)} sessions "
        f"survive, 0 of those from before the lag lost, {missing} logins and {revived} logouts of the lag "
        f"lost, {ahead} refreshes were ahead of the database; {recovery(history, back_at)}"
    )


def test_synchronous_standby_loses_nothing(figure: Callable[[str], None]) -> None:
    """Rotations need not wait for it: only they are committed asynchronously."""
    history = History()
    with pair() as (primary, standby):
        primary.administer("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.administer("SELECT pg_reload_conf()")
        primary.await_true(SYNCHRONOUS)
        with running_server(primary.url(), SETTINGS) as server:
            back_at = keep_under_load(server.base_url, history, lambda: fail_over(primary, standby))
        held = assert_promises_held(history, standby.url(), SHORT_GRACE, are_rotations_durable=False)
        ((ahead,),) = standby.query(AHEAD)
    figure(
        f"F9 synchronous standby, rotations asynchronous: {held}; {ahead} refreshes were ahead of the "
        f"database; {recovery(history, back_at)}"
    )


def move(server: Server, cluster: PostgresCluster) -> None:
    """Let the service work with another database server."""
    server.environment["KEYTURN_DATABASE_URL"] = cluster.url()
    server.restart()


def present_everything(clients: list[Client]) -> set[int | None]:
    """Use and refresh every session, and return the statuses."""

    async def present() -> set[int | None]:
        asked = [ask() for client in clients for ask in (client.use, client.refresh)]
        return {invocation.status for invocation in await asyncio.gather(*asked)}

    return asyncio.run(present())


def test_host_on_a_lagging_standby_decides_nothing(figure: Callable[[str], None]) -> None:
    """There the sessions are live that have ended on the primary, and a guarded request only reads."""
    history = History()
    with pair() as (primary, standby), running_server(primary.url(), SETTINGS) as server:
        clients = asyncio.run(sign_up_many(Service(server.base_url, history), PEOPLE))
        primary.await_true(CAUGHT_UP)
        standby.administer("SELECT pg_wal_replay_pause()")
        ended, kept = clients[: PEOPLE // 2], clients[PEOPLE // 2 :]
        assert all(asyncio.run(client.logout()).is_ok for client in ended)
        assert (standby.query(LIVE), primary.query(LIVE)) == ([(PEOPLE,)], [(len(kept),)])

        move(server, standby)
        assert asyncio.run(call(f"{server.base_url}/readyz", "GET")).status == 503
        assert present_everything(clients) == {503}

        move(server, primary)
        assert present_everything(ended) == {401}
        assert present_everything(kept) == {200}
        held = assert_promises_held(history, primary.url(), SHORT_GRACE)
    figure(
        f"F11 host on a standby that lags {len(ended)} logouts behind: {2 * PEOPLE} of {2 * PEOPLE} requests "
        f"503, 0 grants after a revocation; back on the primary {held}"
    )
