"""Keeps a service under load while something is done to it, and says how its clients fared."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import pairwise
from typing import TypeVar

from tests.reliability.driver import Client, Refused, Service, log_in, sign_up, sign_up_many
from tests.reliability.history import GRANTS, History, Invocation, Operation, Outcome

CLIENTS, VISITORS = 40, 3
_THINK_SECONDS = (0.02, 0.15)
_WARM_UP_SECONDS = 1.5
_SETTLE_SECONDS = 2.0

Result = TypeVar("Result")
Stay = Callable[[Client, asyncio.Event], Awaitable[None]]


async def stay(client: Client, stopped: asyncio.Event) -> None:
    """Rotate and use until told to stop or refused."""
    client.patience_seconds = (0.05, 0.3)
    while not stopped.is_set():
        if (await client.refresh_until_answered()).is_refused or (await client.use()).is_refused:
            return
        await asyncio.sleep(random.uniform(*_THINK_SECONDS))


async def only_rotate(client: Client, stopped: asyncio.Event) -> None:
    """Rotate until told to stop or refused, and use nothing, so that nothing is marked as seen."""
    client.patience_seconds = (0.05, 0.3)
    while not stopped.is_set():
        if (await client.refresh_until_answered()).is_refused:
            return
        await asyncio.sleep(random.uniform(*_THINK_SECONDS))


async def visit(service: Service, email: str, stopped: asyncio.Event) -> None:
    """Log in, rotate twice, log out and make sure of it, again and again."""
    while not stopped.is_set():
        try:
            client = await log_in(service, "visitor", email)
        except Refused:
            await asyncio.sleep(0.2)
            continue
        for _ in range(2):
            await client.refresh_until_answered()
        for _ in range(20):
            if (await client.logout()).outcome is not Outcome.UNKNOWN:
                break
            await asyncio.sleep(0.3)
        await client.refresh()


@dataclass
class Load:
    """Residents, who keep their session throughout and do as `stay` says, and visitors, who come and go."""

    service: Service
    residents: list[Client]
    visitors: Sequence[str]
    stay: Stay = stay

    async def during(self, fault: Callable[[], Result]) -> Result:
        """Run `fault` in a thread of its own under load, let things settle, and stop."""
        stopped = asyncio.Event()
        work = [self.stay(client, stopped) for client in self.residents]
        work += [visit(self.service, email, stopped) for email in self.visitors]
        tasks = [asyncio.create_task(task) for task in work]
        try:
            await asyncio.sleep(_WARM_UP_SECONDS)
            result = await asyncio.to_thread(fault)
            await asyncio.sleep(_SETTLE_SECONDS)
        finally:
            stopped.set()
            await asyncio.gather(*tasks)
        return result

    async def present_newest(self) -> list[Invocation]:
        """Let every resident refresh once more; returns the answers."""
        return await asyncio.gather(*(client.refresh_until_answered() for client in self.residents))


async def prepare(
    service: Service, residents: int = CLIENTS, visitors: int = VISITORS, stay: Stay = stay
) -> Load:
    """Make the people of a load and the residents' sessions."""
    clients = await sign_up_many(service, residents)
    emails = [(await sign_up(service, f"visitor-{number}"))[0] for number in range(visitors)]
    return Load(service, clients, emails, stay)


def keep_under_load(
    base_url: str,
    history: History,
    fault: Callable[[], Result],
    *,
    residents: int = CLIENTS,
    visitors: int = VISITORS,
    stay: Stay = stay,
) -> Result:
    """Do something to a service under load; afterwards every resident's newest token is good.

    The answer to that last refresh is also durable proof for the checker: rotations that a crash has lost
    are made up for by it, because the token was ahead of the database and was accepted.
    """

    async def run() -> Result:
        service = Service(base_url, history)
        load = await prepare(service, residents, visitors, stay)
        result = await load.during(fault)
        assert {answer.outcome for answer in await load.present_newest()} == {Outcome.OK}
        return result

    return asyncio.run(run())


def failures(history: History) -> list[Invocation]:
    """Requests that were neither granted nor refused: no answer, or a 5xx."""
    return [i for i in history if i.outcome is Outcome.UNKNOWN]


def assert_unavailable_only(history: History) -> None:
    """A store that is away is answered with 503 and never with 500."""
    assert {i.status for i in failures(history)} <= {None, HTTPStatus.SERVICE_UNAVAILABLE}


def failed_share(history: History) -> str:
    asked = [i for i in history if i.operation is not Operation.COPY]
    failed = len(failures(history))
    return f"{failed} of {len(asked)} requests failed ({100 * failed / len(asked):.1f} %)"


def longest_gap_seconds(history: History) -> float:
    """The longest time in which nobody was granted anything."""
    moments = sorted(i.ended_at for i in history if i.is_ok and i.operation in GRANTS)
    return max(later - earlier for earlier, later in pairwise(moments))


def first_success_after(history: History, moment: float) -> float:
    """Seconds from a moment to the first grant to a request that began after it."""
    return (
        min(i.ended_at for i in history if i.is_ok and i.operation in GRANTS and i.began_at > moment) - moment
    )


def now() -> float:
    """The clock of the history."""
    return time.monotonic()
