"""PgBouncer in transaction mode in front of a cluster, as Debian packages it."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.reliability.clusters import PostgresCluster, directory_for, require
from tests.reliability.server import free_port

SERVER_CONNECTIONS = 3
_START_SECONDS = 60
_CONFIGURATION = """\
[databases]
keyturn = host=127.0.0.1 port={upstream} user=keyturn

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
"""


@contextmanager
def pgbouncer(cluster: PostgresCluster) -> Iterator[int]:
    """Serve the cluster's database through few connections; yields the port."""
    program, port = require("pgbouncer", "pgbouncer"), free_port()
    with directory_for("postgres") as directory:
        configuration = directory / "pgbouncer.ini"
        configuration.write_text(
            _CONFIGURATION.format(upstream=cluster.port, port=port, size=SERVER_CONNECTIONS)
        )
        # It refuses to run as root, and takes another user by itself.
        user = ["--user", "postgres"] if os.geteuid() == 0 else []
        process = subprocess.Popen(
            [program, *user, configuration], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _await_port(port)
            yield port
        finally:
            process.terminate()
            process.wait()


def _await_port(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, "pgbouncer did not start"
            time.sleep(0.05)
        else:
            return
