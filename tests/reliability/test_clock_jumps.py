"""Clocks that jump and hosts that disagree end nobody early and let nobody live past the end."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask

from app import create_app
from app.delivery import DirectOutbox, MemorySender
from app.extensions import db
from app.primitives.clock import FrozenClock
from tests.clients import AuthClient
from tests.conftest import START, AppFor, SettingsFor
from tests.rows import event_kinds, session_row

SKEW = timedelta(seconds=90)
INACTIVITY, ABSOLUTE = timedelta(days=30), timedelta(days=90)
STEPS, SEED = 400, 21
JUMPS = [
    *(timedelta(minutes=5), timedelta(hours=1), timedelta(days=3), timedelta(days=31), timedelta(days=400)),
    *(timedelta(hours=-1), timedelta(minutes=-10), timedelta(days=-3), timedelta(days=-31)),
]


@pytest.fixture
def ahead() -> FrozenClock:
    return FrozenClock(START + SKEW)


@pytest.fixture
def hosts(
    app_for: AppFor, settings_for: SettingsFor, ahead: FrozenClock, outbox: MemorySender
) -> Iterator[list[Flask]]:
    """Two hosts on one database, the clock of the second one 90 seconds ahead."""
    other = app_for(), create_app(settings_for(), clock=ahead, postbox=DirectOutbox(outbox))
    yield list(other)
    with other[1].app_context():
        db.engine.dispose()


def _at(host: Flask, client: AuthClient) -> AuthClient:
    """The same device, talking to a certain host."""
    device = AuthClient(host, "header")
    device.hold(access_token=client.access_token, refresh_token=client.refresh_token)
    return device


@pytest.mark.parametrize(
    "step", [timedelta(hours=1), timedelta(hours=-1), timedelta(minutes=-10)], ids=["+1h", "-1h", "-10min"]
)
def test_jump_between_refreshes_ends_nobody(app: Flask, clock: FrozenClock, step: timedelta) -> None:
    client = AuthClient(app, "header")
    client.sign_up()
    for generation in range(2, 6):
        clock.advance(step)
        assert client.refresh().status_code == 200
        assert client.use().status_code == 200
        assert session_row(app, client.refresh_token).generation == generation


def test_clock_that_was_wrong_by_a_year_does_no_harm_once_it_is_right(app: Flask, clock: FrozenClock) -> None:
    client = AuthClient(app, "header")
    client.sign_up()
    clock.advance(timedelta(days=400))
    assert client.present(client.refresh_token).status_code == 401
    assert client.use().status_code == 401

    clock.advance(timedelta(days=-400))
    assert session_row(app, client.refresh_token).revoked_at is None
    assert client.refresh().status_code == 200


def test_stolen_token_is_found_out_although_the_clock_went_back(app: Flask, clock: FrozenClock) -> None:
    client = AuthClient(app, "header")
    client.sign_up()
    stolen = client.refresh_token
    for _ in range(2):
        clock.advance(timedelta(minutes=5))
        client.refresh()
    clock.advance(timedelta(minutes=5))
    assert client.present(stolen).status_code == 401
    clock.advance(timedelta(hours=-1))
    assert client.refresh().status_code == 401


def test_hosts_whose_clocks_differ_serve_one_client_in_turns(
    hosts: list[Flask], clock: FrozenClock, ahead: FrozenClock, figure: Callable[[str], None]
) -> None:
    client = AuthClient(hosts[0], "header")
    client.sign_up()
    for number in range(STEPS):
        device = _at(hosts[number % 2], client)
        assert device.refresh().status_code == 200
        for host in hosts:
            assert _at(host, device).use().status_code == 200
        client = device
        for one in (clock, ahead):
            one.advance(timedelta(seconds=7))
    assert set(event_kinds(hosts[0])) == {"account:self:created", "session:login:succeeded"}
    figure(f"F21 two hosts 90 s apart: {STEPS} refreshes in turns, 0 wrongly ended, 0 taken for a repeat")


def test_sessions_live_exactly_to_their_end_whatever_the_clocks_do(
    hosts: list[Flask], clock: FrozenClock, ahead: FrozenClock, figure: Callable[[str], None]
) -> None:
    dice, expired = random.Random(SEED), 0
    client = AuthClient(hosts[0], "header")
    client.sign_up()
    inactive_at, over_at = clock.now() + INACTIVITY, clock.now() + ABSOLUTE
    for _ in range(STEPS):
        for one, jump in zip((clock, ahead), [dice.choice(JUMPS)] * 2, strict=True):
            one.advance(jump)
        place = dice.randrange(2)
        now = _now(place, clock, ahead)
        device = _at(hosts[place], client)
        answer = device.refresh().status_code
        assert answer == (200 if now < min(inactive_at, over_at) else 401), (now, inactive_at, over_at)
        if answer == 401:
            expired += 1
            device.log_in()
            over_at = now + ABSOLUTE
        inactive_at, client = now + INACTIVITY, device
    assert "session:refresh:reused" not in event_kinds(hosts[0])
    figure(
        f"F21 jumps from -31 to +400 days, seed {SEED}: {STEPS} refreshes, {expired} sessions at their end, "
        "0 wrongly ended, 0 wrongly kept, 0 taken for theft"
    )


def _now(place: int, *clocks: FrozenClock) -> datetime:
    return clocks[place].now()
