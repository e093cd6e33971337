"""Three Galera nodes with a service each: one session on all at once, and nodes that go and come back."""

import asyncio
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pymysql  # type: ignore[import-untyped]
import pytest

from tests.faults.balancer import balancing
from tests.reliability.clusters import MariaDb, directory_for, require
from tests.reliability.driver import Client, Service
from tests.reliability.history import History
from tests.reliability.load import assert_unavailable_only, failed_share, failures, keep_under_load, prepare
from tests.reliability.promises import PATIENT_GRACE, SHORT_GRACE, assert_promises_held
from tests.reliability.server import free_port, running_server

SETTINGS = {"KEYTURN_REFRESH_GRACE_SECONDS": str(SHORT_GRACE)}
PROVIDER = Path("/usr/lib/galera/libgalera_smm.so")
NODES, SESSIONS, RACES, TABS = 3, 10, 10, 6
# Being fed takes a busy machine minutes; a node that gives up ends, and is not waited for.
ALONE_SECONDS, STATE_SECONDS = 4, 300
# A node that is cut off from the others answers this, and hardly anything else.
STATE = "SHOW STATUS LIKE 'wsrep_local_state_comment'"
ISOLATE = "SET GLOBAL wsrep_provider_options = 'gmcast.isolate={}'"
FAULTS: dict[str, Callable[[MariaDb], None]] = {
    "killed": lambda node: node.kill(),
    "paused": lambda node: node.signal(signal.SIGSTOP),
}


@contextmanager
def galera() -> Iterator[list[MariaDb]]:
    """Start a cluster with a database `keyturn` on all its nodes."""
    if not PROVIDER.exists():
        require("galera-4", "galera-4")
    require("rsync", "rsync")
    group = [free_port() for _ in range(NODES)]
    with directory_for("mysql") as directory, ExitStack() as stack:
        nodes = [MariaDb(directory / f"node-{port}", _options(port, group)) for port in group]
        for number, node in enumerate(nodes):
            node.install()
            stack.callback(node.kill)
            node.start(*([] if number else ["--wsrep-new-cluster"]))
            await_state(node, "Synced")
        nodes[0].query("CREATE DATABASE keyturn")
        yield nodes


def await_state(node: MariaDb, state: str, others: Sequence[MariaDb] = ()) -> set[str | None]:
    """Wait until a node calls itself `Synced`, or, cut off, `Initialized`; returns the states of others."""
    deadline, states = time.monotonic() + STATE_SECONDS, set[str | None]()
    while state_of(node) != state:
        states |= {state_of(other) for other in others}
        node.assert_alive(deadline)
        time.sleep(0.1)
    return states


def state_of(node: MariaDb) -> str | None:
    """Return what a node calls itself, if it answers."""
    try:
        ((_, state),) = node.query(STATE)
    except pymysql.Error:
        return None
    return str(state)


def _options(port: int, group: Sequence[int]) -> dict[str, str]:
    return {
        "wsrep-on": "ON",
        "wsrep-provider": str(PROVIDER),
        "wsrep-cluster-address": "gcomm://" + ",".join(f"127.0.0.1:{member}" for member in group),
        "wsrep-node-address": "127.0.0.1",
        "wsrep-node-name": f"node-{port}",
        "wsrep-provider-options": (
            f"gmcast.listen_addr=tcp://127.0.0.1:{port};ist.recv_addr=127.0.0.1:{free_port()};"
            # A node that has stopped is noticed within seconds.
            "evs.suspect_timeout=PT2S;evs.inactive_timeout=PT4S;evs.keepalive_period=PT0.5S"
        ),
        "wsrep-sst-method": "rsync",
        "wsrep-sst-receive-address": f"127.0.0.1:{free_port()}",
        "binlog-format": "ROW",
        "innodb-autoinc-lock-mode": "2",
        "wsrep-sync-wait": "1",
        "innodb-buffer-pool-size": "64M",
    }


async def race(service: Service) -> None:
    """Tabs of one session, each request to another node, present the same token in the same instant."""
    load = await prepare(service, SESSIONS, 0)
    for owner in load.residents:
        tabs: list[Client] = [owner.copy(f"{owner.name}-{number}") for number in range(TABS)]
        for _ in range(RACES):
            await asyncio.gather(*(tab.refresh_until_answered() for tab in tabs))
            newest = max((tab.pair for tab in tabs), key=lambda pair: pair.token.generation)
            for tab in tabs:
                tab.pair = newest


def test_one_session_on_three_nodes_never_forks(figure: Callable[[str], None]) -> None:
    history = History()
    settings = {"KEYTURN_REFRESH_GRACE_SECONDS": str(PATIENT_GRACE)}
    with galera() as nodes, ExitStack() as stack:
        hosts = [stack.enter_context(running_server(node.url(), settings, 1)) for node in nodes]
        balancer = stack.enter_context(balancing(hosts))
        asyncio.run(race(Service(balancer.base_url, history)))
        held = assert_promises_held(history, nodes[0].url(), PATIENT_GRACE)
    assert_unavailable_only(history)
    figure(
        f"F10 Galera, {SESSIONS * RACES} races of {TABS} over {NODES} nodes: 0 forks, {held}; "
        f"{failed_share(history)}"
    )


@pytest.mark.parametrize("what", FAULTS)
def test_lost_node_loses_no_session(what: str, figure: Callable[[str], None]) -> None:
    history = History()
    with galera() as nodes, ExitStack() as stack:
        hosts = [stack.enter_context(running_server(node.url(), SETTINGS, 1)) for node in nodes]
        balancer = stack.enter_context(balancing(hosts))

        def lose_a_node() -> None:
            FAULTS[what](nodes[-1])
            time.sleep(2)
            # As a health check on /readyz would.
            balancer.take_out(hosts[-1])
            time.sleep(4)

        keep_under_load(balancer.base_url, history, lose_a_node)
        held = assert_promises_held(history, nodes[0].url(), SHORT_GRACE)
    assert failures(history)
    assert_unavailable_only(history)
    figure(f"F10 Galera, one of {NODES} nodes {what}: {held}; {failed_share(history)}")


def test_isolated_node_says_503_and_comes_back(figure: Callable[[str], None]) -> None:
    """It hears nobody for a while; nobody takes it out of turn, as with a health check that is too slow."""
    history = History()
    with galera() as nodes, ExitStack() as stack:
        hosts = [stack.enter_context(running_server(node.url(), SETTINGS, 1)) for node in nodes]
        balancer = stack.enter_context(balancing(hosts))

        def isolate_a_node() -> None:
            nodes[-1].query(ISOLATE.format(1))
            await_state(nodes[-1], "Initialized")
            time.sleep(ALONE_SECONDS)
            nodes[-1].query(ISOLATE.format(0))
            await_state(nodes[-1], "Synced")

        keep_under_load(balancer.base_url, history, isolate_a_node)
        held = assert_promises_held(history, nodes[-1].url(), SHORT_GRACE)
    assert failures(history)
    assert_unavailable_only(history)
    figure(f"F10 Galera, one of {NODES} nodes isolated and back: {held}; {failed_share(history)}")


def join_anew(node: MariaDb, others: Sequence[MariaDb]) -> set[str | None]:
    """Start a node on an empty directory; returns the states of the others while one of them feeds it."""
    shutil.rmtree(node.directory)
    node.install()
    node.launch()
    return await_state(node, "Synced", others)


def test_feeding_a_wiped_node_holds_nobody_up_for_long(figure: Callable[[str], None]) -> None:
    history = History()
    with galera() as nodes, ExitStack() as stack:
        hosts = [stack.enter_context(running_server(node.url(), SETTINGS, 1)) for node in nodes]
        balancer = stack.enter_context(balancing(hosts))

        def wipe_a_node() -> set[str | None]:
            balancer.take_out(hosts[-1])
            nodes[-1].kill()
            states = join_anew(nodes[-1], nodes[:-1])
            balancer.put_in(hosts[-1])
            return states

        states = keep_under_load(balancer.base_url, history, wipe_a_node)
        held = assert_promises_held(history, nodes[-1].url(), SHORT_GRACE)
    assert "Donor/Desynced" in states
    assert_unavailable_only(history)
    slowest = max(i.ended_at - i.began_at for i in history)
    figure(
        f"F10 Galera, one of {NODES} nodes wiped and fed by another: {held}; {failed_share(history)}, "
        f"slowest request {slowest:.1f} s"
    )
