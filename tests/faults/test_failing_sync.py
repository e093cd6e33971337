"""A disk that fails to sync what SQLite has written: refused for the moment, nothing acknowledged is lost."""

import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from sqlalchemy import make_url

from tests.reliability.clusters import require
from tests.reliability.databases import fresh_database
from tests.reliability.history import History
from tests.reliability.load import assert_unavailable_only, failed_share, failures, keep_under_load
from tests.reliability.promises import SHORT_GRACE, assert_promises_held
from tests.reliability.server import Server, running_server

# Every change waits for the disk, plain rotations too.
SETTINGS = {
    "KEYTURN_REFRESH_GRACE_SECONDS": str(SHORT_GRACE),
    "KEYTURN_DATABASE_ASYNCHRONOUS_ROTATION": "false",
}
FAULT_SECONDS = 3


@contextmanager
def failing_syncs(server: Server) -> Iterator[None]:
    """Let every fsync of the workers answer EIO; whose processes they are may trace them, root or not."""
    command = [require("strace", "strace"), "--follow-forks", "--quiet=all", "--output=/dev/null"]
    command += ["--trace=fsync,fdatasync", "--inject=fsync,fdatasync:error=EIO"]
    command += [f"--attach={worker}" for worker in server.worker_ids()]
    with subprocess.Popen(command) as tracer:
        yield
        assert tracer.poll() is None, "strace could not attach itself"
        tracer.terminate()


def integrity(database_url: str) -> str:
    with closing(sqlite3.connect(make_url(database_url).database or "")) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])


def test_failing_syncs_are_answered_with_503_and_lose_nothing(figure: Callable[[str], None]) -> None:
    history = History()
    with fresh_database("sqlite") as database_url:
        with running_server(database_url, SETTINGS) as server:

            def fail() -> None:
                with failing_syncs(server):
                    time.sleep(FAULT_SECONDS)

            keep_under_load(server.base_url, history, fail)
        held = assert_promises_held(history, database_url, SHORT_GRACE)
        assert integrity(database_url) == "ok"
    assert failures(history)
    assert_unavailable_only(history)
    figure(
        f"F20 sqlite, each fsync fails for {FAULT_SECONDS} s: {held}; {failed_share(history)}, integrity ok"
    )
