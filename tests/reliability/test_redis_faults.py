"""A Redis that is gone, hangs, is full or busy costs the shared limits and nothing else."""

import logging
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.clients import ORIGIN, AuthClient
from tests.conftest import AppFor
from tests.reliability.redis_server import RedisServer, running_redis

LOGINS = 40
# The limit on one question to Redis is 0.25 s, paid once; the rest is the login itself on a busy machine.
LIMIT_SECONDS, WORST_LOGIN_SECONDS = 0.25, 5.0
WITHIN_SECONDS = 30.0


@pytest.fixture
def store() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@dataclass(frozen=True)
class Fault:
    begin: Callable[[RedisServer], None]
    end: Callable[[RedisServer], None]


FAULTS = {
    "killed": Fault(RedisServer.kill, RedisServer.start),
    "hanging": Fault(lambda store: store.send(signal.SIGSTOP), lambda store: store.send(signal.SIGCONT)),
    "full": Fault(
        lambda store: store.order("CONFIG", "SET", "maxmemory", 1),
        lambda store: store.order("CONFIG", "SET", "maxmemory", 0),
    ),
    "busy": Fault(RedisServer.keep_busy, lambda store: store.order("SCRIPT", "KILL")),
}


def _limits(client: AuthClient) -> str:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    return str(answer.get_json()["limits"])


def _await_shared_limits(client: AuthClient) -> None:
    """Ask until Redis counts again; it confirms the end of a script a moment before the script has ended."""
    give_up_at = time.monotonic() + WITHIN_SECONDS
    while _limits(client) != "ok":
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def _seconds_of(act: Callable[[], int]) -> float:
    began_at = time.monotonic()
    assert act() == 200
    return time.monotonic() - began_at


def _log_in_and_refresh(client: AuthClient) -> list[float]:
    """Do both again and again; returns the seconds of each login."""
    seconds = []
    for _ in range(LOGINS):
        seconds.append(_seconds_of(lambda: client.log_in().status_code))
        _seconds_of(lambda: client.refresh().status_code)
    return seconds


@pytest.mark.parametrize("name", FAULTS)
def test_logins_and_refreshes_go_on_without_redis(
    app_for: AppFor,
    store: RedisServer,
    name: str,
    caplog: pytest.LogCaptureFixture,
    figure: Callable[[str], None],
) -> None:
    generous = dict.fromkeys(("rate_limit_login", "rate_limit_refresh"), "1000 per minute")
    client = AuthClient(app_for(redis_url=store.url, **generous), "header")
    client.sign_up()
    healthy = _log_in_and_refresh(client)
    _await_shared_limits(client)

    FAULTS[name].begin(store)
    caplog.clear()
    with caplog.at_level(logging.WARNING, "app"):
        faulty = _log_in_and_refresh(client)
        assert _limits(client) == "unavailable, counting per process"
        FAULTS[name].end(store)
        _await_shared_limits(client)

    assert max(faulty) < WORST_LOGIN_SECONDS
    assert statistics.median(faulty) < statistics.median(healthy) + LIMIT_SECONDS
    assert [record.getMessage().partition(",")[0] for record in caplog.records] == [
        "the shared limit store is away",
        "the shared limit store is back",
    ]
    _log_in_and_refresh(client)
    figure(
        f"F12 Redis {name}: {LOGINS} logins and refreshes, 0 refused; login median "
        f"{statistics.median(faulty) * 1000:.0f} ms (before {statistics.median(healthy) * 1000:.0f} ms), "
        f"slowest {max(faulty) * 1000:.0f} ms, 1 log line"
    )


def test_limits_hold_per_process_and_are_shared_again_without_a_hand(
    app_for: AppFor, store: RedisServer, figure: Callable[[str], None]
) -> None:
    hosts = [
        AuthClient(app_for(redis_url=store.url, rate_limit_login="2 per minute"), "header") for _ in range(2)
    ]
    store.send(signal.SIGSTOP)
    statuses = [_guess(host) for host in hosts for _ in range(3)]
    assert statuses == [401, 401, 429] * 2

    store.send(signal.SIGCONT)
    back_at = time.monotonic()
    # No probe asks for the store here: a request finds out by itself that it is back.
    while _guess(hosts[0]) == 429:
        assert time.monotonic() - back_at < WITHIN_SECONDS
        time.sleep(0.1)
    recovered = time.monotonic() - back_at
    figure(f"F12 Redis back: limits shared again after {recovered:.1f} s, without a probe")


def test_redis_behind_a_unix_socket_counts_under_the_same_time_limit(
    app_for: AppFor, store: RedisServer
) -> None:
    hosts = [
        AuthClient(app_for(redis_url=store.socket_url, rate_limit_login="3 per minute"), "header")
        for _ in range(2)
    ]
    assert [_guess(hosts[turn % 2]) for turn in range(4)] == [401, 401, 401, 429]
    assert _limits(hosts[0]) == "ok"

    store.send(signal.SIGSTOP)
    began_at = time.monotonic()
    assert _guess(hosts[0]) == 401
    assert time.monotonic() - began_at < WORST_LOGIN_SECONDS


def test_dropped_connections_are_not_noticed(app_for: AppFor, store: RedisServer) -> None:
    client = AuthClient(app_for(redis_url=store.url, rate_limit_login="3 per minute"), "header")
    statuses = []
    for _ in range(5):
        statuses.append(_guess(client))
        store.order("CLIENT", "KILL", "TYPE", "normal")
    assert statuses == [401, 401, 401, 429, 429]


def _guess(client: AuthClient) -> int:
    body = {"credentials": {"email": "nobody@example.test", "password": "a wrong password"}}
    return client.http.post("/auth/login", json=body, base_url=ORIGIN).status_code
