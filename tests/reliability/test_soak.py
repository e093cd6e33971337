"""After some time under load, memory, files and connections are where they were."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.reliability.databases import fresh_database
from tests.reliability.driver import Client, Service, sign_up_many
from tests.reliability.history import History
from tests.reliability.promises import PATIENT_GRACE, assert_promises_held
from tests.reliability.server import Server, running_server

SECONDS = float(os.environ.get("KEYTURN_TEST_SOAK_SECONDS", "5"))
CLIENTS = 12
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
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        found = int(connection.execute(text(query)).scalar_one()) - 1
    engine.dispose()
    return found


async def _use_for(clients: list[Client], seconds: float) -> int:
    """Refresh, use and now and then present garbage; returns the number of requests."""
    over_at, requests = time.monotonic() + seconds, 0

    async def loop(client: Client) -> None:
        nonlocal requests
        while time.monotonic() < over_at:
            assert (await client.refresh()).is_ok
            assert (await client.use()).is_ok
            await client.service.request("/auth/refresh-token", refresh="garbage")
            requests += 3

    await asyncio.gather(*map(loop, clients))
    return requests


def test_nothing_grows_under_load(figure: Callable[[str], None]) -> None:
    history = History()
    with fresh_database("postgresql") as database_url, running_server(database_url) as server:
        clients = asyncio.run(sign_up_many(Service(server.base_url, history), CLIENTS))
        asyncio.run(_use_for(clients, WARM_UP_SECONDS))
        before = Holdings.of(server)
        requests = asyncio.run(_use_for(clients, SECONDS))
        after = Holdings.of(server)
        held = assert_promises_held(history, database_url, PATIENT_GRACE)
    slope = (after.memory_kib - before.memory_kib) * 10_000 / requests
    assert after.memory_kib - before.memory_kib < WARM_UP_KIB
    if SECONDS >= LONG_SECONDS:
        assert slope < LEAK_KIB_PER_10000
    assert after.files <= before.files + 2 * CLIENTS
    assert after.connections <= 2 * 4
    figure(
        f"F28 {SECONDS:.0f} s, {requests} requests: memory {before.memory_kib} to {after.memory_kib} KiB "
        f"({slope:+.0f} KiB per 10,000), files {before.files} to {after.files}, connections "
        f"{before.connections} to {after.connections}, {held}"
    )
