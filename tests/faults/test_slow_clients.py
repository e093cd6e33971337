"""Clients that send a byte a second are kept waiting by the proxy and never reach the service's threads."""

import socket
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack

from tests.faults.nginx import nginx
from tests.reliability.clusters import PostgresCluster
from tests.reliability.history import History, Operation
from tests.reliability.load import failed_share, failures, keep_under_load, now
from tests.reliability.promises import SHORT_GRACE, assert_promises_held
from tests.reliability.server import running_server

SETTINGS = {"KEYTURN_REFRESH_GRACE_SECONDS": str(SHORT_GRACE), "KEYTURN_TRUSTED_PROXIES": "1"}
SLOW, SECONDS = 500, 10
HEAD = b"POST /auth/refresh-token HTTP/1.1\r\nHost: keyturn\r\n"
BEGIN_BODY = b"Content-Type: application/json\r\nContent-Length: 64\r\n\r\n"
WORST_SECONDS = 3.0


def drip(port: int) -> float:
    """Send a byte a second, half of them within the head and half within the body; returns when it began."""
    with ExitStack() as stack:
        clients = []
        for number in range(SLOW):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            client.sendall(HEAD + (BEGIN_BODY if number % 2 else b""))
            clients.append(client)
        began_at = now()
        for _ in range(SECONDS):
            for client in clients:
                client.sendall(b"x")
            time.sleep(1)
        return began_at


def p99_seconds(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[-1]


def test_slow_clients_behind_the_proxy_keep_nobody_waiting(
    postgresql: PostgresCluster, figure: Callable[[str], None]
) -> None:
    history = History()
    with running_server(postgresql.url(), SETTINGS) as server, nginx(server) as port:
        began_at = keep_under_load(f"http://127.0.0.1:{port}", history, lambda: drip(port))
    held = assert_promises_held(history, postgresql.url(), SHORT_GRACE)
    assert not failures(history)
    refreshes = [i for i in history if i.operation is Operation.REFRESH]
    before, during = (
        p99_seconds([i.ended_at - i.began_at for i in refreshes if (i.began_at > began_at) == is_during])
        for is_during in (False, True)
    )
    assert during < WORST_SECONDS
    figure(
        f"F30 {SLOW} clients that send a byte a second, behind nginx: {held}; {failed_share(history)}; "
        f"refresh p99 {during * 1000:.0f} ms (before {before * 1000:.0f} ms)"
    )
