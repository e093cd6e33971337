"""No more connections than threads, none left in a transaction, and 503 when PostgreSQL gives out no more."""

import time
from collections.abc import Callable
from http import HTTPStatus

from tests.reliability.clusters import PostgresCluster
from tests.reliability.history import History
from tests.reliability.load import (
    failed_share,
    failures,
    first_success_after,
    keep_under_load,
    now,
)
from tests.reliability.promises import SHORT_GRACE, assert_promises_held
from tests.reliability.server import running_server

SETTINGS = {"KEYTURN_REFRESH_GRACE_SECONDS": str(SHORT_GRACE)}
WORKERS, THREADS = 2, 8
FULL_SECONDS = 3
LONGEST_PAUSE = (
    "SELECT coalesce(extract(epoch FROM max(clock_timestamp() - state_change)), 0)::float "
    "FROM pg_stat_activity WHERE datname = 'keyturn' AND state = 'idle in transaction'"
)
END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'service'"
CONNECTIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = 'keyturn' AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend'"
)


def watch(cluster: PostgresCluster, seconds: float) -> tuple[int, float]:
    """Return the most connections there were, and the longest that one sat idle in a transaction."""
    most, longest = 0, 0.0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        most = max(most, int(str(cluster.query(CONNECTIONS)[0][0])))
        longest = max(longest, float(str(cluster.query(LONGEST_PAUSE)[0][0])))
        time.sleep(0.05)
    return most, longest


def test_connections_are_no_more_than_threads_and_none_sits_in_a_transaction(
    postgresql: PostgresCluster, figure: Callable[[str], None]
) -> None:
    history = History()
    with running_server(postgresql.url(), SETTINGS, WORKERS) as server:
        most, longest = keep_under_load(server.base_url, history, lambda: watch(postgresql, 5))
        at_rest = watch(postgresql, 1)
    held = assert_promises_held(history, postgresql.url(), SHORT_GRACE)
    assert most <= WORKERS * THREADS
    assert longest < 1
    assert at_rest[1] == 0
    figure(
        f"Connections of {WORKERS} workers × {THREADS} threads: at most {most}, longest idle in a "
        f"transaction {1000 * longest:.0f} ms under load and 0 at rest; {held}"
    )


def test_service_recovers_when_postgresql_gives_out_no_connections(
    postgresql: PostgresCluster, figure: Callable[[str], None]
) -> None:
    """The pool is lost and what it would open anew is refused, with the same error for whatever limit."""
    history = History()
    for statement in ("CREATE ROLE service LOGIN", "ALTER DATABASE keyturn OWNER TO service"):
        postgresql.administer(statement)

    def give_out_none() -> float:
        postgresql.administer("ALTER ROLE service CONNECTION LIMIT 0")
        postgresql.administer(END_ALL)
        time.sleep(FULL_SECONDS)
        postgresql.administer("ALTER ROLE service CONNECTION LIMIT -1")
        return now()

    address = postgresql.url().replace("keyturn@", "service@")
    with running_server(address, SETTINGS, WORKERS) as server:
        back_at = keep_under_load(server.base_url, history, give_out_none)
    held = assert_promises_held(history, postgresql.url(), SHORT_GRACE)
    assert {failure.status for failure in failures(history)} == {HTTPStatus.SERVICE_UNAVAILABLE}
    figure(
        f"PostgreSQL gives out no connections for {FULL_SECONDS} s: {held}; {failed_share(history)}, all with"
        f" 503; first success {first_success_after(history, back_at):.2f} s after"
    )
