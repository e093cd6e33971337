"""Isolation levels that refuse and endings that lock in another order: tried again, not shown."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from http import HTTPStatus
from typing import Any, TypeVar

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.reliability.databases import fresh_database
from tests.reliability.driver import Client, Refused, Service, log_in, sign_up
from tests.reliability.history import History, Invocation, Operation, Outcome
from tests.reliability.promises import PATIENT_GRACE, assert_promises_held
from tests.reliability.server import running_server

PEOPLE, DEVICES, TABS, ROUNDS, ATTEMPTS = 3, 3, 2, 2, 20
PAUSE_SECONDS = 0.2
Entered = TypeVar("Entered")
ANSWERS = {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.UNAUTHORIZED, HTTPStatus.SERVICE_UNAVAILABLE}


async def _refresh_until_refused(tab: Client) -> None:
    while (await tab.refresh()).outcome is not Outcome.REFUSED:
        await tab.use()


async def _collide(service: Service, email: str, first: Client) -> None:
    """Several tabs of several devices refresh while everything is ended, and the person logs in again."""
    devices = [
        await _patiently(lambda name=f"{email}-{number}": log_in(service, name, email))
        for number in range(DEVICES)
    ]
    tabs = [device.copy(f"{device.name}-{tab}") for device in devices for tab in range(TABS)]
    racing = [asyncio.create_task(_refresh_until_refused(tab)) for tab in tabs]
    await asyncio.sleep(0.1)
    late = asyncio.create_task(_log_in_late(service, email))
    began_at = time.monotonic()
    await _end_everything(service, devices[0])
    ended = [(device, Outcome.OK) for device in devices]
    # Whether a login at the same time came before or after, only the database knows.
    ended += [(client, Outcome.UNKNOWN) for client in (first, await late) if client is not None]
    for client, outcome in ended:
        session = client.pair.token.session
        service.history.record(
            Invocation("ender", session, Operation.LOGOUT_ALL, began_at, time.monotonic(), outcome)
        )
    await asyncio.gather(*racing)


async def _patiently(enter: Callable[[], Coroutine[Any, Any, Entered]]) -> Entered:
    """Enter as a client does that tries again when the service is too busy."""
    for _ in range(ATTEMPTS - 1):
        with suppress(Refused):
            return await enter()
        await asyncio.sleep(PAUSE_SECONDS)
    return await enter()


async def _log_in_late(service: Service, email: str) -> Client | None:
    with suppress(Refused):
        return await log_in(service, f"{email}-late", email)
    return None


async def _end_everything(service: Service, device: Client) -> None:
    for _ in range(ATTEMPTS):
        answer = await service.request("/auth/logout-all", access=device.pair.access)
        if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
            break
        await asyncio.sleep(PAUSE_SECONDS)
    # Refused means that an attempt answered with 503 was carried out after all.
    assert answer.status in {HTTPStatus.OK, HTTPStatus.UNAUTHORIZED}


async def _load(service: Service) -> None:
    people = [
        await _patiently(lambda name=f"person-{number}": sign_up(service, name)) for number in range(PEOPLE)
    ]
    for _ in range(ROUNDS):
        await asyncio.gather(*(_collide(service, email, first) for email, first in people))


def _conflicts(database_url: str) -> str:
    """What PostgreSQL counted: transactions that it or the service rolled back, and deadlocks."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        row = connection.execute(
            text("SELECT xact_rollback, deadlocks FROM pg_stat_database WHERE datname = current_database()")
        ).one()
    engine.dispose()
    return f"{row.xact_rollback} rolled back, {row.deadlocks} deadlocks"


def _run(database_url: str) -> str:
    history = History()
    with running_server(database_url) as server:
        asyncio.run(_load(Service(server.base_url, history)))
        held = assert_promises_held(history, database_url, PATIENT_GRACE)
    answers = Counter(i.status for i in history if i.status is not None)
    assert set(answers) <= ANSWERS, answers
    refused = answers[HTTPStatus.SERVICE_UNAVAILABLE]
    return f"{refused} of {answers.total()} answers 503, 0 other 5xx, {held}"


@pytest.mark.parametrize("level", ["serializable", "repeatable read"])
def test_strict_isolation_is_answered_like_any_other(level: str, figure: Callable[[str], None]) -> None:
    with fresh_database("postgresql") as database_url:
        engine = create_engine(database_url, isolation_level="AUTOCOMMIT")
        name = make_url(database_url).database
        with engine.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_isolation = '{level}'"))
        engine.dispose()
        said = _run(database_url)
        figure(f"F17 postgresql, {level}: {said}; {_conflicts(database_url)}")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_ending_everything_against_refreshes_shows_no_deadlock(
    kind: str, figure: Callable[[str], None]
) -> None:
    with fresh_database(kind) as database_url:
        said = _run(database_url)
    figure(f"F17 {kind}, logout-all against refreshes and logins: {said}")
