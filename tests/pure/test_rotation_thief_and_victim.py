"""Honest clients are never ended and thieves are found out: the table under thousands of random histories.

Time passes in ticks. The victim refreshes every PERIOD ticks, which is also the life of an access token.
"""

import random
from datetime import timedelta

import pytest

from app.engine.rotation import Outcome, Windows, decide, is_given_up, swapped
from tests.engine.snapshots import NOW, session_row, snapshot

GRACE, RECOVERY, PERIOD = 2, 200, 10
HISTORIES = 2000
WINDOWS = Windows(grace=timedelta(seconds=GRACE), recovery=timedelta(seconds=RECOVERY))
STRICT = Windows(grace=timedelta(0), recovery=timedelta(0))


class SimulatedSession:
    """What the engine does with the table, without a database."""

    def __init__(self, windows: Windows = WINDOWS) -> None:
        self.row = session_row(rotated_at=NOW, created_at=NOW)
        self.windows = windows
        self.is_over = False
        self.use(1)

    def refresh(self, generation: int, tick: int) -> int:
        """Present a refresh token and return the generation of the answer."""
        now = NOW + timedelta(seconds=tick)
        outcome = decide(snapshot(self.row), generation, now, self.windows)
        self.is_over = self.is_over or outcome is Outcome.REUSE
        if outcome in {Outcome.ROTATE, Outcome.RECOVER}:
            self.row = swapped(self.row, generation, outcome, now, self.windows.grace)
        return self.row.generation

    def use(self, generation: int) -> None:
        """Present an access token."""
        self.is_over = self.is_over or is_given_up(self.row, generation)
        if not self.is_over:
            self.row = self.row._replace(seen_generation=max(self.row.seen_generation, generation))


class Victim:
    """One honest client that refreshes when the access token runs out, and again when an answer was lost."""

    def __init__(self, session: SimulatedSession, draw: random.Random, loss: float) -> None:
        self.session, self.draw, self.loss = session, draw, loss
        self.holds, self.next_at, self.rotated_at = 1, PERIOD, 0

    def act(self, tick: int) -> None:
        if tick < self.next_at:
            return
        answer = self.session.refresh(self.holds, tick)
        self.next_at, self.rotated_at = tick + PERIOD, tick
        if self.draw.random() < self.loss:
            self.next_at = tick + self.draw.choice((1, 3, 15))
        elif not self.session.is_over:
            self.holds = answer
            self.session.use(answer)


class Thief:
    """Holds a copy of the victim's tokens and refreshes or uses them at random, quietly."""

    def __init__(self, victim: Victim, draw: random.Random, tick: int) -> None:
        self.victim, self.session, self.draw = victim, victim.session, draw
        self.holds, self.issued_at, self.stolen_at, self.last_inside = victim.holds, tick, tick, tick

    def act(self, tick: int) -> None:
        chance = self.draw.random()
        if tick - self.victim.rotated_at <= GRACE or self.victim.next_at - tick <= GRACE:
            return
        if chance < 0.25:
            answer = self.session.refresh(self.holds, tick)
            if not self.session.is_over:
                self.holds, self.issued_at = answer, tick
        elif chance < 0.5 and tick - self.issued_at <= PERIOD:
            self.session.use(self.holds)
            if not self.session.is_over:
                self.last_inside = tick


def ends_an_honest_session(seed: int) -> bool:
    """Let several tabs share one store: bursts, lost answers, delays of less than the grace period."""
    draw, session, store, next_at = random.Random(seed), SimulatedSession(), 1, PERIOD
    pending: list[tuple[int, int]] = []
    for tick in range(1, 30 * PERIOD):
        for due, generation in [call for call in pending if call[0] <= tick]:
            pending.remove((due, generation))
            answer = session.refresh(generation, tick)
            if draw.random() < 0.25:
                next_at = min(next_at, tick + draw.choice((1, 2, 3, 30, 60)))
            else:
                # Now and then the older of two answers comes last and overwrites the newer.
                store = answer if draw.random() < 0.1 else max(store, answer)
                session.use(store)
        if tick >= next_at:
            pending += [(tick + draw.randrange(GRACE), store) for _ in range(draw.randint(1, 4))]
            next_at = tick + PERIOD
    return session.is_over


def theft(seed: int, *, loss: float, periods: int = 40) -> tuple[bool, int]:
    """Run one theft; tell whether it was found out, and for how many ticks the thief got in."""
    draw, session = random.Random(seed), SimulatedSession()
    victim, thief, stolen_at = Victim(session, draw, loss), None, draw.randint(1, 2 * PERIOD)
    for tick in range(1, periods * PERIOD):
        victim.act(tick)
        if tick == stolen_at:
            thief = Thief(victim, draw, tick)
        elif thief is not None and not session.is_over:
            thief.act(tick)
        if session.is_over:
            break
    assert thief is not None
    return session.is_over, thief.last_inside - thief.stolen_at


def shadow(windows: Windows, periods: int = 100) -> tuple[bool, int]:
    """Let a thief refresh one tick after the victim, every time; tell whether it was found out, and when."""
    session, victim, thief = SimulatedSession(windows), 1, 1
    for tick in range(PERIOD, periods * PERIOD, PERIOD):
        victim = session.refresh(victim, tick)
        session.use(victim)
        thief = session.refresh(thief, tick + 1)
        session.use(thief)
        if session.is_over:
            return True, tick
    return False, periods * PERIOD


def test_honest_clients_with_bursts_delays_and_lost_answers_are_never_ended():
    assert [seed for seed in range(HISTORIES) if ends_an_honest_session(seed)] == []


@pytest.mark.parametrize("loss", [0.0, 0.1], ids=["punctual victim", "victim who loses answers"])
def test_a_quiet_thief_is_always_found_out(loss: float):
    assert [seed for seed in range(HISTORIES) if not theft(seed, loss=loss)[0]] == []


def test_against_a_punctual_victim_a_quiet_thief_gets_in_for_one_more_access_token_life_at_most():
    assert max(theft(seed, loss=0)[1] for seed in range(HISTORIES)) <= PERIOD


@pytest.mark.parametrize("offset", range(GRACE + 1, PERIOD))
def test_a_thief_who_comes_second_is_found_out_at_the_first_refresh_after_the_grace_period(offset: int):
    session = SimulatedSession()
    session.use(session.refresh(1, PERIOD))

    session.refresh(1, PERIOD + offset)

    assert session.is_over


@pytest.mark.parametrize("offset", range(GRACE + 1, PERIOD))
def test_a_thief_who_comes_first_is_found_out_at_the_victims_refresh_after_the_grace_period(offset: int):
    session = SimulatedSession()
    session.use(session.refresh(1, PERIOD - offset))

    session.refresh(1, PERIOD)

    assert session.is_over


@pytest.mark.parametrize("act", [SimulatedSession.use, lambda session, n: session.refresh(n, PERIOD + 1)])
def test_a_thief_who_hides_what_it_refreshed_is_found_out_when_it_comes_back(act):
    session = SimulatedSession()
    hidden = session.refresh(1, 1)
    recovered = session.refresh(1, PERIOD)
    assert not session.is_over
    assert recovered > hidden

    act(session, hidden)

    assert session.is_over


def test_known_limit_a_thief_within_the_grace_period_of_every_rotation_shadows_the_victim():
    assert shadow(WINDOWS) == (False, 100 * PERIOD)


def test_grace_zero_closes_the_known_limit():
    assert shadow(STRICT) == (True, PERIOD)
