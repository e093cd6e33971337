"""Two hundred clients present one refresh token in the same instant."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

import pytest

from tests.reliability.databases import final_rows
from tests.reliability.driver import Client, Service, sign_up_many
from tests.reliability.history import History, Invocation
from tests.reliability.promises import PATIENT_GRACE, ROUNDS, SHORT_GRACE, assert_promises_held
from tests.reliability.server import ServerFor

HERD = 200


async def stampede(herd: list[Client]) -> list[Invocation]:
    return await asyncio.gather(*(client.refresh() for client in herd))


def herd_of(owner: Client, size: int) -> list[Client]:
    return [owner.copy(f"{owner.name}-{number}") for number in range(size)]


async def run_herds(service: Service) -> str:
    """Stampede on one session again and again; every round is one step of its line."""
    (owner,) = await sign_up_many(service, 1)
    for generation in range(1, ROUNDS + 1):
        herd = herd_of(owner, HERD)
        answers = await stampede(herd)
        assert {answer.status for answer in answers} == {HTTPStatus.OK}
        assert {answer.received.generation for answer in answers if answer.received} == {generation + 1}
        owner.pair = herd[0].pair
    return owner.pair.token.session


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_herd_of_owners_takes_one_step(
    kind: str, server_for: ServerFor, figure: Callable[[str], None]
) -> None:
    server, history = server_for(kind, PATIENT_GRACE), History()
    session = asyncio.run(run_herds(Service(server.base_url, history)))
    assert final_rows(server.database_url)[session].generation == ROUNDS + 1
    held = assert_promises_held(history, server.database_url, PATIENT_GRACE)
    figure(f"F1 {kind}: {ROUNDS} herds of {HERD}, 0 forks, {held}")


async def run_herds_with_thief(service: Service) -> float:
    """Stampede with one token two back; returns the seconds from the reuse's answer to the last success."""
    owners = await sign_up_many(service, ROUNDS)
    thieves = [owner.copy(f"thief-of-{owner.name}") for owner in owners]
    for _ in range(2):
        await asyncio.gather(*(owner.refresh() for owner in owners))
    await asyncio.sleep(SHORT_GRACE + 0.1)
    return max([await one_theft(owner, thief) for owner, thief in zip(owners, thieves, strict=True)])


async def one_theft(owner: Client, thief: Client) -> float:
    herd = herd_of(owner, HERD - 1)
    *answers, theft = await stampede([*herd, thief])
    assert theft.status == HTTPStatus.UNAUTHORIZED
    afterwards = await asyncio.gather(*(client.refresh() for client in [owner, thief, herd[0], herd[-1]]))
    assert {answer.status for answer in afterwards} == {HTTPStatus.UNAUTHORIZED}
    return max((answer.ended_at for answer in answers if answer.is_ok), default=0) - theft.ended_at


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_thief_in_herd_ends_session(kind: str, server_for: ServerFor, figure: Callable[[str], None]) -> None:
    server, history = server_for(kind, SHORT_GRACE), History()
    last_success = asyncio.run(run_herds_with_thief(Service(server.base_url, history)))
    assert_promises_held(history, server.database_url, SHORT_GRACE)
    figure(
        f"F2 {kind}: {ROUNDS} of {ROUNDS} thefts ended the session, last success {last_success:.3f} s after"
    )
