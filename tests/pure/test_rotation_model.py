"""The table agrees with a model of a dozen lines, over random histories."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.rotation import Outcome, Windows, decide, is_given_up, swapped
from app.engine.snapshot import SessionRow
from tests.engine.snapshots import NOW, session_row, snapshot

SWAPS = {Outcome.ROTATE, Outcome.RECOVER, Outcome.AHEAD}

# A moment is a number of ticks; an operation is (ticks that pass, what, how far from the newest generation).
OPERATIONS = st.lists(
    st.tuples(
        st.integers(-2, 9), st.sampled_from(["refresh", "refresh", "use", "restore"]), st.integers(-5, 2)
    ),
    max_size=40,
)


class Model:
    """Rotation in whole ticks: c the generation, s the newest seen, (g, at) the window, lost the given up."""

    def __init__(self, grace: int, recovery: int) -> None:
        self.grace, self.recovery = grace, recovery
        self.c, self.s, self.rotated, self.g, self.at, self.lost = 1, 0, 0, 0, -999, range(0)

    def refresh(self, n: int, now: int) -> str:
        recent = self.grace and now - self.rotated <= self.grace
        running = self.grace and now - self.at <= self.grace
        if n in self.lost:
            return "REUSE"
        if n < self.c and ((n in (self.c - 1, self.s) and recent) or (running and n >= self.g)):
            return "REPEAT"
        if n < self.c and not (n == self.s and self.recovery and now - self.rotated <= self.recovery):
            return "REUSE"
        answer = "RECOVER" if n < self.c else "ROTATE" if n == self.c else "AHEAD"
        self.lost = range(self.s + 1, self.c + 1) if n < self.c else self.lost
        self.g, self.at = (self.g, self.at) if running else (n, now)
        self.c, self.s, self.rotated = max(self.c, n) + 1, max(self.s, n), now
        return answer


def answer(row: SessionRow, presented: int, tick: int, windows: Windows) -> tuple[SessionRow, Outcome]:
    """Do what the engine does with the table."""
    now = NOW + timedelta(seconds=tick)
    outcome = decide(snapshot(row), presented, now, windows)
    if outcome in SWAPS:
        row = swapped(row, presented, outcome, now, windows.grace)
    return row, outcome


@given(OPERATIONS, st.sampled_from([(0, 0), (0, 7), (2, 0), (2, 7), (3, 20)]))
@settings(max_examples=400)
def test_the_table_agrees_with_the_model(operations: list[tuple[int, str, int]], lengths: tuple[int, int]):
    model, tick = Model(*lengths), 0
    windows = Windows(grace=timedelta(seconds=lengths[0]), recovery=timedelta(seconds=lengths[1]))
    row = session_row(rotated_at=NOW)
    for passed, what, distance in operations:
        tick += passed
        generation = max(1, model.c + distance)
        if what == "use" and generation not in model.lost and generation <= model.c:
            model.s = max(model.s, generation)
            row = row._replace(seen_generation=model.s)
        elif what == "refresh":
            row, outcome = answer(row, generation, tick, windows)
            assert outcome.name == model.refresh(generation, tick)
        assert (row.generation, row.seen_generation) == (model.c, model.s)
        assert all(is_given_up(row, n) == (n in model.lost) for n in range(model.c + 2))


@given(OPERATIONS, st.integers(0, 3), st.integers(0, 20))
@settings(max_examples=200)
def test_the_chain_only_moves_forward_and_never_forks(
    operations: list[tuple[int, str, int]], grace: int, recovery: int
):
    windows = Windows(grace=timedelta(seconds=grace), recovery=timedelta(seconds=recovery))
    row, tick = session_row(rotated_at=NOW), 0
    for passed, _, distance in operations:
        tick += passed
        before = row
        row, outcome = answer(row, max(1, row.generation + distance), tick, windows)
        assert (row.generation > before.generation) == (outcome in SWAPS)
        assert row.seen_generation < row.generation
        assert row.seen_generation >= before.seen_generation


@pytest.mark.parametrize("gap", range(1, 31))
def test_no_token_is_repeated_longer_than_the_grace_period_after_it_was_superseded(gap: int):
    windows = Windows(grace=timedelta(seconds=30), recovery=timedelta(0))
    row, _ = answer(session_row(rotated_at=NOW), 1, 0, windows)
    for tick in range(gap, 31, gap):
        row, outcome = answer(row, row.generation, tick, windows)
        assert outcome is Outcome.ROTATE
        assert answer(row, 1, tick, windows)[1] is Outcome.REPEAT

    assert answer(row, 1, 31, windows)[1] is Outcome.REUSE
