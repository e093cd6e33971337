"""Driver and checker together find a racy and a forked rotation, and find nothing in a correct one."""

import asyncio

import pytest

from tests.reliability.broken import GRACE_SECONDS, Rotation, reference_server
from tests.reliability.checker import Violation, Windows, check
from tests.reliability.driver import Service, sign_up_many
from tests.reliability.history import History
from tests.reliability.proxy import Fault, lossy_proxy, seeded_plan

WINDOWS = Windows(grace_seconds=GRACE_SECONDS, recovery_seconds=GRACE_SECONDS)
SESSIONS, HOLDERS, ROTATIONS = 5, 4, 8


def violations_of(rotation: Rotation) -> list[Violation]:
    history = History()
    with reference_server(rotation) as server:
        asyncio.run(share_sessions(Service(server.base_url, history)))
        return check(history, server.final_rows(), WINDOWS)


async def share_sessions(service: Service) -> None:
    """Several tabs of one browser hold each session and refresh as they like."""
    owners = await sign_up_many(service, SESSIONS)
    tabs = [owner.copy(f"{owner.name}-{tab}") for owner in owners for tab in range(HOLDERS)]
    await asyncio.gather(*(tab.refresh_in_a_loop(ROTATIONS) for tab in tabs))


def test_correct_rotation_passes() -> None:
    assert not violations_of(Rotation.CORRECT)


def test_correct_rotation_passes_over_a_lossy_network() -> None:
    history, plan = History(), seeded_plan(1, {Fault.CUT_ANSWER: 0.3, Fault.CUT_REQUEST: 0.1})
    with reference_server(Rotation.CORRECT) as server, lossy_proxy(server.port, plan) as proxy:
        asyncio.run(share_sessions(Service(proxy.base_url, history)))
        assert not check(history, server.final_rows(), WINDOWS)
    assert min(proxy.injected[fault] for fault in (Fault.CUT_ANSWER, Fault.CUT_REQUEST))


@pytest.mark.parametrize("rotation", [Rotation.RACY, Rotation.FORKED])
def test_broken_rotation_is_found(rotation: Rotation) -> None:
    assert "I2" in {violation.invariant for violation in violations_of(rotation)}
