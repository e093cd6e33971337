"""A network that loses answers and halves of requests logs nobody out."""

import asyncio
from collections.abc import Callable

import pytest

from tests.reliability.driver import Service, sign_up_many
from tests.reliability.history import History, Invocation, Outcome
from tests.reliability.promises import SHORT_GRACE, assert_promises_held
from tests.reliability.proxy import Fault, lossy_proxy, seeded_plan
from tests.reliability.server import ServerFor

SESSIONS, ROTATIONS, SEED = 30, 6, 20
SHARES = {Fault.CUT_ANSWER: 0.25, Fault.CUT_REQUEST: 0.05, Fault.DELAY: 0.05}
# Some ask again within the grace period (a repeat), some only after it (a recovery).
PATIENCE_SECONDS = (0, 1.5 * SHORT_GRACE)


async def rotate_through(service: Service) -> list[Invocation]:
    clients = await sign_up_many(service, SESSIONS)
    for client in clients:
        client.patience_seconds = PATIENCE_SECONDS
    return await asyncio.gather(*(client.refresh_in_a_loop(ROTATIONS) for client in clients))


@pytest.mark.parametrize("in_cookies", [False, True], ids=["header", "cookie"])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_lost_answers_lose_no_session(
    kind: str, *, in_cookies: bool, server_for: ServerFor, figure: Callable[[str], None]
) -> None:
    server, history = server_for(kind, SHORT_GRACE), History()
    with lossy_proxy(server.port, seeded_plan(SEED, SHARES)) as proxy:
        ends = asyncio.run(rotate_through(Service(proxy.base_url, history, in_cookies)))
    assert {end.outcome for end in ends} == {Outcome.OK}
    assert proxy.injected[Fault.CUT_ANSWER]
    held = assert_promises_held(history, server.database_url, SHORT_GRACE)
    answers, halves = proxy.injected[Fault.CUT_ANSWER], proxy.injected[Fault.CUT_REQUEST]
    lost = f"{answers} answers and {halves} half requests cut"
    figure(f"F3 {kind}, {'cookie' if in_cookies else 'header'}: {lost}, seed {SEED}, {held}")
