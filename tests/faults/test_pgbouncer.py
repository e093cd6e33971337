"""The whole service through PgBouncer in transaction mode, which leaves nothing behind on its connections."""

import time
from collections.abc import Callable
from contextlib import ExitStack

import psycopg

from tests.faults.pgbouncer import SERVER_CONNECTIONS, pgbouncer
from tests.reliability.clusters import PostgresCluster
from tests.reliability.history import History
from tests.reliability.load import failed_share, failures, keep_under_load
from tests.reliability.promises import SHORT_GRACE, assert_promises_held
from tests.reliability.server import running_server

SETTINGS = {
    "KEYTURN_REFRESH_GRACE_SECONDS": str(SHORT_GRACE),
    "KEYTURN_DATABASE_TRANSACTION_POOLING": "true",
}
LOAD_SECONDS = 5
CONNECTIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = 'keyturn' AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend'"
)
LEFT_BEHIND = (
    "SELECT pg_backend_pid(), (SELECT count(*) FROM pg_prepared_statements), "
    "current_setting('synchronous_commit'), current_setting('lock_timeout')"
)


def left_behind(port: int) -> list[tuple[int, int, str, str]]:
    """Look at every server connection from within: prepared statements are seen by their own alone."""
    with ExitStack() as stack:
        rows = []
        for _ in range(SERVER_CONNECTIONS):
            address = f"host=127.0.0.1 port={port} user=keyturn dbname=keyturn"
            connection = stack.enter_context(psycopg.connect(address, prepare_threshold=None))
            # Each transaction stays open, so that the next one is given another connection.
            row = connection.execute(LEFT_BEHIND).fetchone()
            assert row is not None
            rows.append(row)
        return rows


def test_service_works_through_pgbouncer_and_leaves_nothing_behind(
    postgresql: PostgresCluster, figure: Callable[[str], None]
) -> None:
    history = History()
    with pgbouncer(postgresql) as port:
        with running_server(postgresql.url(port=port), SETTINGS) as server:
            busiest = keep_under_load(server.base_url, history, lambda: most_connections(postgresql))
        rows = left_behind(port)
    held = assert_promises_held(history, postgresql.url(), SHORT_GRACE)
    assert not failures(history)
    assert len({pid for pid, *_ in rows}) == SERVER_CONNECTIONS
    assert {tuple(state) for _, *state in rows} == {(0, "on", "0")}
    assert busiest <= SERVER_CONNECTIONS
    figure(
        f"PgBouncer, transaction mode, {SERVER_CONNECTIONS} server connections: {held}; "
        f"{failed_share(history)}, 0 prepared statements left behind"
    )


def most_connections(cluster: PostgresCluster) -> int:
    deadline = time.monotonic() + LOAD_SECONDS
    most = 0
    while time.monotonic() < deadline:
        ((count,),) = cluster.query(CONNECTIONS)
        most = max(most, int(str(count)))
        time.sleep(0.1)
    return most
