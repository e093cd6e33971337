"""SQLite under several processes, and copies of its files taken in the middle of the work."""

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.reliability.databases import final_rows, fresh_database
from tests.reliability.driver import Refused, Service, sign_up, sign_up_many
from tests.reliability.history import History, Operation, Outcome
from tests.reliability.promises import PATIENT_GRACE, assert_promises_held
from tests.reliability.server import Server, running_server

SESSIONS, ROTATIONS = 32, 5
COPIES, SEED = 8, 18


async def _load(service: Service) -> float:
    """Refresh everything while others sign up; returns the refreshes per second."""
    clients = await sign_up_many(service, SESSIONS)
    began_at = time.monotonic()
    await asyncio.gather(
        *(client.refresh_in_a_loop(ROTATIONS) for client in clients), sign_up_many(service, SESSIONS // 2)
    )
    return SESSIONS * ROTATIONS / (time.monotonic() - began_at)


@pytest.mark.parametrize("processes", [4, 8])
def test_processes_wait_for_each_other_and_nobody_hears_of_it(
    processes: int, figure: Callable[[str], None]
) -> None:
    history = History()
    with fresh_database("sqlite") as database_url, running_server(database_url, workers=processes) as server:
        rate = asyncio.run(_load(Service(server.base_url, history)))
        held = assert_promises_held(history, database_url, PATIENT_GRACE)
    assert history.count(Operation.REFRESH, Outcome.UNKNOWN) == 0
    figure(f"F18 sqlite, {processes} processes: {rate:.0f} refreshes/s, 0 locked errors shown, {held}")


async def _sign_up_for_ever(service: Service, stopped: asyncio.Event) -> None:
    number = 0
    while not stopped.is_set():
        number += 1
        try:
            await (await sign_up(service, f"copied-{number}"))[1].refresh()
        except Refused:
            return


async def _copy_at_random_instants(
    server: Server, service: Service, target: Path
) -> list[tuple[Path, float]]:
    """Freeze the workers, copy what is on disk, let them go on; returns the copies with their moments."""
    dice, copies, stopped = random.Random(SEED), [], asyncio.Event()
    load = [asyncio.create_task(_sign_up_for_ever(service, stopped)) for _ in range(4)]
    while not service.history.count(Operation.LOGIN):  # noqa: ASYNC110 - any of them may be the first
        await asyncio.sleep(0.01)
    for number in range(COPIES):
        await asyncio.sleep(dice.uniform(0.05, 0.3))
        _signal_workers(server, signal.SIGSTOP)
        copies.append((_copy(server.database_url, target / str(number)), time.monotonic()))
        _signal_workers(server, signal.SIGCONT)
    stopped.set()
    await asyncio.gather(*load)
    return copies


def _signal_workers(server: Server, number: signal.Signals) -> None:
    """Return when all have heard: a signal comes to a thread only when it is its turn to run."""
    workers = server.worker_ids()
    for worker in workers:
        os.kill(worker, number)
    while number is signal.SIGSTOP and not all(map(_is_stopped, workers)):
        time.sleep(0.001)


def _is_stopped(process: int) -> bool:
    threads = Path(f"/proc/{process}/task").glob("*/stat")
    return all(thread.read_text().rpartition(")")[2].split()[0] == "T" for thread in threads)


def _copy(database_url: str, directory: Path) -> Path:
    """Copy the file and its log, as a machine without power leaves them; the shared index is rebuilt."""
    directory.mkdir()
    source = Path(make_url(database_url).database or "")
    for path in (source, source.with_name(f"{source.name}-wal")):
        if path.exists():
            shutil.copy(path, directory / path.name)
    return directory / source.name


def _integrity(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])


def test_copies_at_random_instants_open_and_hold_every_acknowledged_login(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    history = History()
    with fresh_database("sqlite") as database_url, running_server(database_url) as server:
        copies = asyncio.run(_copy_at_random_instants(server, Service(server.base_url, history), tmp_path))
    logins = 0
    for path, moment in copies:
        assert _integrity(path) == "ok"
        kept = final_rows(f"sqlite:///{path}")
        acknowledged = {i.session for i in history if i.operation is Operation.LOGIN and i.ended_at < moment}
        assert acknowledged <= set(kept)
        logins += len(acknowledged)
    assert logins
    figure(
        f"F20 sqlite: {COPIES} copies at random instants, seed {SEED}: all whole, 0 of {logins} logins lost"
    )
