"""Clients that hang up in the middle never make an answer reach somebody else."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from tests.reliability.driver import Client, Service, sign_up
from tests.reliability.history import History
from tests.reliability.promises import PATIENT_GRACE, ROUNDS, assert_promises_held
from tests.reliability.server import ServerFor

CLIENTS, LEAVING, REQUESTS, SEED = 20, 10, 3 * ROUNDS, 14


@dataclass
class Crowd:
    """All of them check that the answers to their requests are their own; some hang up on others besides."""

    service: Service
    dice: random.Random = field(default_factory=lambda: random.Random(SEED))
    answers: int = 0
    hung_up: int = 0

    async def run(self) -> None:
        gate = asyncio.Semaphore(4)

        async def enter(number: int) -> tuple[str, Client]:
            async with gate:
                return await sign_up(self.service, f"nonce-{number}")

        people = await asyncio.gather(*(enter(number) for number in range(CLIENTS)))
        finished = asyncio.Event()
        leaving = [
            asyncio.create_task(self._hang_up_until(finished, client)) for _, client in people[:LEAVING]
        ]
        await asyncio.gather(*(self._check(email, client) for email, client in people))
        finished.set()
        await asyncio.gather(*leaving)

    async def _check(self, email: str, client: Client) -> None:
        session = client.pair.token.session
        for _ in range(REQUESTS):
            answer = await self.service.request("/auth/me", method="GET", access=client.pair.access)
            assert answer.body["email"] == email
            refreshed = await client.refresh()
            assert refreshed.received is not None
            assert refreshed.received.session == session
            self.answers += 2

    async def _hang_up_until(self, finished: asyncio.Event, client: Client) -> None:
        parts = urlsplit(self.service.base_url)
        while not finished.is_set():
            _, writer = await asyncio.open_connection(parts.hostname, parts.port)
            lines = [
                "GET /auth/me HTTP/1.1",
                f"Host: {parts.netloc}",
                f"Authorization: Bearer {client.pair.access}",
            ]
            request = "\r\n".join([*lines, "", ""]).encode()
            writer.write(request[: self.dice.choice([len(request), len(request) // 2])])
            await asyncio.sleep(self.dice.uniform(0, 0.05))
            # Without a farewell: the service finds the connection reset in the middle of its work.
            writer.transport.abort()
            self.hung_up += 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_every_answer_belongs_to_its_client(
    kind: str, server_for: ServerFor, figure: Callable[[str], None]
) -> None:
    server, history = server_for(kind, PATIENT_GRACE), History()
    crowd = Crowd(Service(server.base_url, history))
    asyncio.run(crowd.run())
    held = assert_promises_held(history, server.database_url, PATIENT_GRACE)
    figure(f"F14 {kind}: {crowd.hung_up} requests hung up, 0 of {crowd.answers} answers foreign, {held}")
