"""After some time under load, memory, files and connections are where they were.

`KEYTURN_TEST_FAULTS=1` does it once more with a worker killed and the database crashed every few seconds.
"""

import asyncio
import os
import random
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.reliability.clusters import PostgresCluster
from tests.reliability.databases import fresh_database
from tests.reliability.driver import Refused, Service, log_in
from tests.reliability.history import History, Operation
from tests.reliability.load import Load, failures, prepare, visit
from tests.reliability.promises import SHORT_GRACE, assert_promises_held
from tests.reliability.server import Server, running_server
from tests.reliability.wire import NoAnswer

SECONDS = float(os.environ.get("KEYTURN_TEST_SOAK_SECONDS", "5"))
RESIDENTS, VISITORS = 12, 2
# A thief is found out by rotations, so no crash may lose one.
SETTINGS = {
    "KEYTURN_REFRESH_GRACE_SECONDS": str(SHORT_GRACE),
    "KEYTURN_DATABASE_ASYNCHRONOUS_ROTATION": "false",
}
KILL_EVERY_SECONDS = 5.0
IS_FAULTS_RUN = bool(os.environ.get("KEYTURN_TEST_FAULTS"))
# As gunicorn.conf.py has them: a thread holds one connection at most.
WORKERS, THREADS = 2, 8
WARM_UP_SECONDS = min(3.0 + SECONDS / 4, 20.0)
# The first ten thousand requests fill caches and arenas, so a short run bounds the growth itself.
WARM_UP_KIB, LONG_SECONDS, LEAK_KIB_PER_10000 = 16384, 60, 2048


@dataclass(frozen=True)
class Holdings:
    """What the workers hold, taken together."""

    memory_kib: int
    files: int
    connections: int

    @classmethod
    def of(cls, server: Server) -> "Holdings":
        workers = server.worker_ids()
        memory = sum(_resident_kib(worker) for worker in workers)
        files = sum(len(list(Path(f"/proc/{worker}/fd").iterdir())) for worker in workers)
        return cls(memory, files, _connections(server.database_url))


def _resident_kib(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def _connections(database_url: str) -> int:
    engine = create_engine(database_url)
    with engine.connect() as connection:
        # Autovacuum comes and goes as it likes.
        query = (
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND backend_type = 'client backend'"
        )
        found = int(connection.execute(text(query)).scalar_one()) - 1
    engine.dispose()
    return found


async def _steal_until(service: Service, email: str, stopped: asyncio.Event) -> None:
    """Take a copy of a fresh login and come back with it when it is spent, again and again."""
    while not stopped.is_set():
        try:
            owner = await log_in(service, "robbed", email)
        except Refused:
            await asyncio.sleep(0.2)
            continue
        thief = owner.copy("thief")
        for _ in range(2):
            await owner.refresh_until_answered()
        await asyncio.sleep(SHORT_GRACE + 0.1)
        await thief.refresh_until_answered()
        assert (await owner.refresh_until_answered()).is_refused


def _crash(cluster: PostgresCluster) -> None:
    cluster.stop("immediate")
    cluster.start()


async def _kill_until(server: Server, cluster: PostgresCluster, stopped: asyncio.Event) -> None:
    dice = random.Random(RESIDENTS)
    while not stopped.is_set():
        await asyncio.sleep(min(KILL_EVERY_SECONDS, SECONDS / 2))
        server.kill_a_worker(dice)
        await asyncio.to_thread(_crash, cluster)


async def _soak(
    load: Load, seconds: float, killed: Server | None = None, cluster: PostgresCluster | None = None
) -> int:
    """Refresh, use, log in and out, steal, present garbage; returns the number of requests."""
    service, (robbed, *emails) = load.service, load.visitors
    stopped, before, garbage = asyncio.Event(), len(service.history), 0

    async def reside(number: int) -> None:
        nonlocal garbage
        client = load.residents[number]
        while not stopped.is_set():
            assert (await client.refresh_until_answered()).is_ok
            assert not (await client.use()).is_refused
            with suppress(NoAnswer):
                await service.request("/auth/refresh-token", refresh="garbage")
            garbage += 1

    async def stop() -> None:
        await asyncio.sleep(seconds)
        stopped.set()

    work = [stop(), _steal_until(service, robbed, stopped), *map(reside, range(RESIDENTS))]
    work += [visit(service, email, stopped) for email in emails]
    work += [_kill_until(killed, cluster, stopped)] if killed and cluster else []
    await asyncio.gather(*work)
    return len(service.history) - before + garbage


@pytest.mark.parametrize(
    "kills",
    [
        False,
        pytest.param(True, marks=pytest.mark.skipif(not IS_FAULTS_RUN, reason="a part of `make faults`")),
    ],
    ids=["undisturbed", "workers and database killed"],
)
def test_nothing_grows_under_load(*, kills: bool, figure: Callable[[str], None]) -> None:
    history = History()
    with ExitStack() as stack:
        cluster = stack.enter_context(PostgresCluster.running()) if kills else None
        database_url = cluster.url() if cluster else stack.enter_context(fresh_database("postgresql"))
        server = stack.enter_context(running_server(database_url, SETTINGS))
        load = asyncio.run(prepare(Service(server.base_url, history), RESIDENTS, VISITORS + 1))
        asyncio.run(_soak(load, WARM_UP_SECONDS))
        before = Holdings.of(server)
        requests = asyncio.run(_soak(load, SECONDS, server, cluster))
        if kills:
            # The last one to be killed is replaced, and as busy as the others once were.
            asyncio.run(_soak(load, WARM_UP_SECONDS))
        after = Holdings.of(server)
        held = assert_promises_held(history, database_url, SHORT_GRACE)
    assert kills or not failures(history)
    slope = (after.memory_kib - before.memory_kib) * 10_000 / requests
    assert after.memory_kib - before.memory_kib < WARM_UP_KIB
    if SECONDS >= LONG_SECONDS and not kills:
        assert slope < LEAK_KIB_PER_10000
    assert after.files <= before.files + 2 * (RESIDENTS + VISITORS + 1)
    assert after.connections <= WORKERS * THREADS
    figure(
        f"F28 {SECONDS:.0f} s{', workers and database killed' if kills else ''}, {requests} requests with "
        f"{history.count(Operation.LOGIN)} logins and {history.count(Operation.LOGOUT)} logouts: memory "
        f"{before.memory_kib} to {after.memory_kib} KiB ({slope:+.0f} KiB per 10,000), files "
        f"{before.files} to {after.files}, connections {before.connections} to {after.connections}, {held}"
    )
