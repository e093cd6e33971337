"""Redis fails over under load: limits count per process for a while, and no session or end depends on it."""

import json
import signal
import urllib.request
from collections.abc import Callable

import pytest

from tests.faults.sentinels import Sentinels, await_true, running_sentinels
from tests.reliability.clusters import PostgresCluster
from tests.reliability.history import History, Operation
from tests.reliability.load import failed_share, failures, keep_under_load, now
from tests.reliability.promises import SHORT_GRACE, assert_promises_held
from tests.reliability.server import Server, running_server

# Everything is counted and nothing refused.
LIMITS = dict.fromkeys(
    ("KEYTURN_RATE_LIMIT_LOGIN", "KEYTURN_RATE_LIMIT_REFRESH", "KEYTURN_RATE_LIMIT_SIGNUP"),
    "1000000 per hour",
)
SETTINGS = {"KEYTURN_REFRESH_GRACE_SECONDS": str(SHORT_GRACE), **LIMITS}
SHARED, ALONE = "ok", "unavailable, counting per process"
FAULTS = {"master killed": signal.SIGKILL, "split brain": signal.SIGSTOP}
ORPHAN = "written-to-the-old-master"


def limits(server: Server) -> str:
    with urllib.request.urlopen(f"{server.base_url}/readyz", timeout=10) as answer:
        return str(json.load(answer)["limits"])


def come_back(redis: Sentinels) -> None:
    """The old master comes back as one, takes a write, is told of the new one, and forgets the write."""
    redis.master.send(signal.SIGCONT)
    assert redis.master.order("ROLE")[0] == b"master"
    redis.master.order("SET", ORPHAN, 1)
    await_true(lambda: redis.master.order("ROLE")[0] == b"slave" and not redis.master.order("EXISTS", ORPHAN))


@pytest.mark.parametrize("name", FAULTS)
def test_failover_of_redis_costs_shared_limits_for_a_while_and_nothing_else(
    name: str, postgresql: PostgresCluster, figure: Callable[[str], None]
) -> None:
    history = History()

    def fail_over() -> float:
        assert limits(server) == SHARED
        began_at = now()
        redis.master.send(FAULTS[name])
        await_true(lambda: limits(server) == ALONE)
        redis.await_promotion()
        if name == "split brain":
            come_back(redis)
        await_true(lambda: limits(server) == SHARED)
        return now() - began_at

    with running_sentinels() as redis:
        with running_server(postgresql.url(), {**SETTINGS, "KEYTURN_REDIS_URL": redis.url}) as server:
            seconds = keep_under_load(server.base_url, history, fail_over)
        counted = redis.replica.order("DBSIZE")
    held = assert_promises_held(history, postgresql.url(), SHORT_GRACE)
    assert not failures(history)
    assert counted
    logouts = sum(i.is_ok for i in history if i.operation is Operation.LOGOUT)
    slowest = max(i.ended_at - i.began_at for i in history if i.operation is Operation.REFRESH)
    figure(
        f"F13 Redis Sentinel, {name}: {held}; {logouts} logouts, 0 lost; "
        f"{failed_share(history)}; slowest refresh {slowest:.2f} s; limits shared again {seconds:.1f} s after"
    )
