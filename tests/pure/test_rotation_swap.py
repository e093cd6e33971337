"""What a swap leaves in the row."""

from datetime import timedelta

import pytest

from app.engine.rotation import Outcome, is_given_up, swapped
from app.engine.snapshot import SessionRow
from tests.engine.snapshots import NOW, session_row

GRACE = timedelta(seconds=30)
TICK = timedelta(microseconds=1)
TABLE_COLUMNS = {
    "generation",
    "seen_generation",
    "rotated_at",
    "grace_generation",
    "grace_started_at",
    "given_up_from",
    "given_up_to",
}


def at(generation: int, seen: int, window: tuple[int, timedelta] | None = None) -> SessionRow:
    """Return a session whose grace window began that long ago with that generation."""
    begun = {"grace_generation": window[0], "grace_started_at": NOW - window[1]} if window else {}
    return session_row(generation=generation, seen_generation=seen, **begun)


def test_a_rotation_moves_to_the_next_generation_and_has_seen_the_presented_one():
    after = swapped(at(5, 3), 5, Outcome.ROTATE, NOW, GRACE)

    assert (after.generation, after.seen_generation, after.rotated_at) == (6, 5, NOW)


@pytest.mark.parametrize("outcome", [Outcome.ROTATE, Outcome.RECOVER, Outcome.AHEAD])
def test_a_swap_changes_the_columns_of_the_table_and_no_other(outcome: Outcome):
    before = at(5, 5)
    after = swapped(before, 5, outcome, NOW, GRACE)

    changed = {name for name in before._fields if getattr(before, name) != getattr(after, name)}
    assert changed <= TABLE_COLUMNS


def test_the_first_rotation_opens_a_window():
    after = swapped(at(1, 0), 1, Outcome.ROTATE, NOW, GRACE)

    assert (after.grace_generation, after.grace_started_at) == (1, NOW)


@pytest.mark.parametrize("age", [timedelta(0), GRACE, -TICK])
def test_a_rotation_in_a_running_window_keeps_it(age: timedelta):
    after = swapped(at(5, 4, (3, age)), 5, Outcome.ROTATE, NOW, GRACE)

    assert (after.grace_generation, after.grace_started_at) == (3, NOW - age)


def test_a_rotation_opens_a_new_window_only_when_the_last_is_over():
    after = swapped(at(5, 4, (3, GRACE + TICK)), 5, Outcome.ROTATE, NOW, GRACE)

    assert (after.grace_generation, after.grace_started_at) == (5, NOW)


def test_without_grace_every_rotation_opens_a_window_that_holds_nothing():
    after = swapped(at(5, 4, (3, timedelta(0))), 5, Outcome.ROTATE, NOW, timedelta(0))

    assert (after.grace_generation, after.grace_started_at) == (5, NOW)


def test_a_recovery_steps_forward_and_gives_up_what_nobody_has_seen():
    after = swapped(at(6, 3), 3, Outcome.RECOVER, NOW, GRACE)

    assert (after.generation, after.seen_generation) == (7, 3)
    assert (after.given_up_from, after.given_up_to) == (4, 6)
    assert [n for n in range(1, 9) if is_given_up(after, n)] == [4, 5, 6]


def test_a_second_recovery_gives_up_what_the_first_had_and_more():
    first = swapped(at(4, 3), 3, Outcome.RECOVER, NOW, GRACE)
    second = swapped(first, 3, Outcome.RECOVER, NOW + timedelta(hours=1), GRACE)

    assert (second.generation, second.given_up_from, second.given_up_to) == (6, 4, 5)


def test_a_rotation_remembers_what_was_given_up():
    recovered = swapped(at(4, 3), 3, Outcome.RECOVER, NOW, GRACE)
    after = swapped(recovered, 5, Outcome.ROTATE, NOW, GRACE)

    assert is_given_up(after, 4)
    assert not is_given_up(after, 5)


def test_a_session_without_recovery_has_given_up_nothing():
    assert not any(is_given_up(at(5, 4), n) for n in range(7))


@pytest.mark.parametrize("presented", [6, 9, 2**40])
def test_a_token_ahead_leads_to_the_generation_behind_it(presented: int):
    after = swapped(at(5, 4), presented, Outcome.AHEAD, NOW, GRACE)

    assert (after.generation, after.seen_generation) == (presented + 1, presented)
    assert after.given_up_from is None
