"""Too few connections, and too many passwords: an answer within the limit, and refreshes go on."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

import pytest
from sqlalchemy import create_engine, text

from tests.reliability.databases import fresh_database
from tests.reliability.driver import Client, Service, sign_up, sign_up_many
from tests.reliability.history import History, Operation
from tests.reliability.promises import PATIENT_GRACE, assert_promises_held
from tests.reliability.server import running_server
from tests.reliability.wire import NoAnswer

CLIENTS, POOL = 50, 2
POOL_SECONDS, LOCK_SECONDS, FAULT_SECONDS = 1, 2, 3
SETTINGS = {
    "KEYTURN_DATABASE_POOL_SIZE": str(POOL),
    "KEYTURN_DATABASE_POOL_TIMEOUT_SECONDS": str(POOL_SECONDS),
    "KEYTURN_DATABASE_LOCK_TIMEOUT_SECONDS": str(LOCK_SECONDS),
}
# A request may wait for a thread behind one that waits for the lock, then for a connection.
# A busy machine takes its time besides; a wait without a limit would be as long as the lock.
LIMIT_SECONDS = POOL_SECONDS + 2 * LOCK_SECONDS + 10
RECOVERY_SECONDS = LOCK_SECONDS + 10


async def _refresh_for(client: Client, seconds: float) -> None:
    over_at = time.monotonic() + seconds
    while time.monotonic() < over_at:
        await client.refresh()


async def _recover(clients: list[Client]) -> float:
    began_at = time.monotonic()
    while {(answer := await client.refresh()).status for client in clients} != {HTTPStatus.OK}:
        assert answer.ended_at - began_at < RECOVERY_SECONDS
    return time.monotonic() - began_at


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_exhausted_pool_is_answered_in_time_and_recovers(kind: str, figure: Callable[[str], None]) -> None:
    history = History()
    with fresh_database(kind) as database_url, running_server(database_url, SETTINGS, workers=1) as server:
        service = Service(server.base_url, history)
        clients = asyncio.run(sign_up_many(service, CLIENTS))
        engine = create_engine(database_url)
        with engine.connect() as connection:
            held_row = {"id": clients[0].pair.token.session}
            connection.execute(text("SELECT id FROM sessions WHERE id = :id FOR UPDATE"), held_row)
            asyncio.run(_all(_refresh_for(client, FAULT_SECONDS) for client in clients))
        engine.dispose()
        recovered = asyncio.run(_recover(clients))
        held = assert_promises_held(history, database_url, PATIENT_GRACE)
    refreshes = [i for i in history if i.operation is Operation.REFRESH]
    slowest = max(i.ended_at - i.began_at for i in refreshes)
    assert {i.status for i in refreshes} <= {HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE}
    assert slowest < LIMIT_SECONDS
    refused = Counter(i.status for i in refreshes)[HTTPStatus.SERVICE_UNAVAILABLE]
    figure(
        f"F15 {kind}: pool of {POOL}, {CLIENTS} clients, one connection held: {refused} of {len(refreshes)} "
        f"answers 503, slowest {slowest:.1f} s, all served {recovered:.1f} s after the lock, {held}"
    )


async def _all(tasks: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*tasks)


# As in production; elsewhere these tests hash cheaply.
REAL_HASHES = {"KEYTURN_PASSWORD_ARGON2_MEMORY_KIB": "19456", "KEYTURN_PASSWORD_ARGON2_ITERATIONS": "2"}
FLOOD, CALM_SECONDS, FLOOD_SECONDS = 40, 1.0, 3.0
# Guesses are hashed or sent away at once, so a refresh waits behind short answers only.
WORST_REFRESH_SECONDS = 8.0


@dataclass
class Flood:
    """Many wrong guesses at once, and how they were answered."""

    service: Service
    answers: Counter[int] = field(default_factory=Counter)

    async def guess_until(self, stopped: asyncio.Event, number: int) -> None:
        body = {"credentials": {"email": f"nobody-{number}@example.com", "password": "a wrong password"}}
        while not stopped.is_set():
            try:
                self.answers[(await self.service.request("/auth/login", body=body)).status] += 1
            except NoAnswer:
                self.answers[0] += 1


async def _with_and_without_flood(service: Service) -> tuple[list[float], list[float], Counter[int], float]:
    owners = [(await sign_up(service, f"owner-{number}"))[1] for number in range(4)]
    calm = await _seconds_of_refreshes(owners, CALM_SECONDS)
    flood, stopped = Flood(service), asyncio.Event()
    guessing = [asyncio.create_task(flood.guess_until(stopped, number)) for number in range(FLOOD)]
    await asyncio.sleep(0.5)
    flooded = await _seconds_of_refreshes(owners, FLOOD_SECONDS)
    began_at = time.monotonic()
    assert (await owners[0].logout()).is_ok
    logout_seconds = time.monotonic() - began_at
    stopped.set()
    await asyncio.gather(*guessing)
    return calm, flooded, flood.answers, logout_seconds


async def _seconds_of_refreshes(owners: list[Client], seconds: float) -> list[float]:
    taken: list[float] = []

    async def loop(owner: Client) -> None:
        over_at = time.monotonic() + seconds
        while time.monotonic() < over_at:
            refreshed = await owner.refresh()
            assert refreshed.is_ok
            taken.append(refreshed.ended_at - refreshed.began_at)

    await _all(loop(owner) for owner in owners)
    return taken


def test_logins_do_not_starve_refreshes_and_logouts(figure: Callable[[str], None]) -> None:
    with fresh_database("postgresql") as database_url, running_server(database_url, REAL_HASHES) as server:
        calm, flooded, answers, logout = asyncio.run(
            _with_and_without_flood(Service(server.base_url, History()))
        )
    assert max(flooded) < WORST_REFRESH_SECONDS
    assert logout < WORST_REFRESH_SECONDS
    assert {HTTPStatus.UNAUTHORIZED, HTTPStatus.SERVICE_UNAVAILABLE} <= set(answers)
    assert set(answers) <= {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
    figure(
        f"F15 {FLOOD} clients guess passwords ({sum(answers.values())} answers): refresh median "
        f"{statistics.median(flooded) * 1000:.0f} ms (without them {statistics.median(calm) * 1000:.0f} ms), "
        f"slowest {max(flooded) * 1000:.0f} ms; logout {logout * 1000:.0f} ms"
    )
