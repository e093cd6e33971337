"""The rotation table, row by row, with each boundary. docs/refresh-tokens.md has the reasons."""

from datetime import timedelta

import pytest

from app.engine.rotation import Outcome, Windows, decide
from app.engine.snapshot import SessionRow, Snapshot
from tests.engine.snapshots import NOW, in_organization, session_row, snapshot

GRACE, RECOVERY = timedelta(seconds=30), timedelta(days=1)
WINDOWS = Windows(grace=GRACE, recovery=RECOVERY)
STRICT = Windows(grace=timedelta(0), recovery=timedelta(0))
TICK = timedelta(microseconds=1)
LONG_AGO = timedelta(days=20)
AT_ONCE = timedelta(0)


def rotated(age: timedelta, **changes: object) -> SessionRow:
    """Return a session at generation 5, whose token 4 was superseded `age` ago, the window with it."""
    values = {
        "generation": 5,
        "seen_generation": 4,
        "rotated_at": NOW - age,
        "grace_generation": 4,
        "grace_started_at": NOW - age,
    }
    return session_row(**values | changes)


def outcome(session: SessionRow, presented: int, windows: Windows = WINDOWS) -> Outcome:
    return decide(snapshot(session), presented, NOW, windows)


@pytest.mark.parametrize("windows", [WINDOWS, STRICT], ids=["lenient", "strict"])
@pytest.mark.parametrize("age", [-LONG_AGO, AT_ONCE, GRACE, LONG_AGO])
def test_the_current_token_rotates_whatever_its_age(age: timedelta, windows: Windows):
    assert outcome(rotated(age), 5, windows) is Outcome.ROTATE


def test_the_first_token_rotates():
    assert outcome(session_row(), 1) is Outcome.ROTATE


@pytest.mark.parametrize("age", [AT_ONCE, TICK, GRACE - TICK, GRACE])
def test_the_predecessor_is_repeated_up_to_the_end_of_the_grace_period(age: timedelta):
    assert outcome(rotated(age), 4) is Outcome.REPEAT


@pytest.mark.parametrize("age", [-TICK, -GRACE, -LONG_AGO])
def test_a_negative_age_counts_as_zero(age: timedelta):
    assert outcome(rotated(age), 4) is Outcome.REPEAT
    assert outcome(rotated(age), 4, Windows(grace=AT_ONCE, recovery=RECOVERY)) is Outcome.RECOVER


@pytest.mark.parametrize("presented", [2, 3, 4])
def test_every_token_of_a_running_burst_is_repeated(presented: int):
    burst = rotated(AT_ONCE, grace_generation=2, grace_started_at=NOW - GRACE)

    assert outcome(burst, presented) is Outcome.REPEAT


@pytest.mark.parametrize(
    ("presented", "started"),
    [(1, GRACE), (1, AT_ONCE), (2, GRACE + TICK), (3, GRACE + TICK)],
    ids=["older, at the end", "older, at the start", "first, past the end", "second, past the end"],
)
def test_a_burst_covers_neither_older_tokens_nor_later_moments(presented: int, started: timedelta):
    burst = rotated(AT_ONCE, grace_generation=2, grace_started_at=NOW - started)

    assert outcome(burst, presented) is Outcome.REUSE


def test_the_predecessor_is_repeated_in_its_own_grace_period_although_the_window_is_over():
    burst = rotated(GRACE, grace_generation=2, grace_started_at=NOW - GRACE - TICK)

    assert outcome(burst, 4) is Outcome.REPEAT


def test_the_newest_seen_token_is_repeated_after_a_recovery():
    recovered = rotated(GRACE, seen_generation=3, grace_generation=None, grace_started_at=None)

    assert outcome(recovered, 3) is Outcome.REPEAT


@pytest.mark.parametrize("age", [AT_ONCE, TICK, -TICK, LONG_AGO])
@pytest.mark.parametrize("presented", [1, 3, 4])
def test_grace_zero_is_strict_even_in_the_same_instant(age: timedelta, presented: int):
    assert outcome(rotated(age), presented, STRICT) is Outcome.REUSE


@pytest.mark.parametrize("age", [GRACE + TICK, RECOVERY - TICK, RECOVERY])
def test_a_token_whose_successor_nobody_has_seen_recovers(age: timedelta):
    assert outcome(rotated(age), 4) is Outcome.RECOVER


def test_a_recovery_may_step_over_several_generations():
    assert outcome(rotated(RECOVERY, seen_generation=2), 2) is Outcome.RECOVER


@pytest.mark.parametrize("recovery", [AT_ONCE, GRACE])
def test_recovery_ends_with_its_window_and_zero_switches_it_off(recovery: timedelta):
    windows = Windows(grace=GRACE, recovery=recovery)

    assert outcome(rotated(GRACE + TICK), 4, windows) is Outcome.REUSE


def test_a_seen_token_is_reuse_one_microsecond_past_the_recovery_window():
    assert outcome(rotated(RECOVERY + TICK), 4) is Outcome.REUSE


def test_a_superseded_token_is_reuse_once_its_successor_has_been_seen():
    assert outcome(rotated(GRACE + TICK, seen_generation=5), 4) is Outcome.REUSE


@pytest.mark.parametrize("presented", [1, 2, 3])
@pytest.mark.parametrize("age", [AT_ONCE, GRACE, LONG_AGO])
def test_a_token_older_than_the_predecessor_is_reuse(age: timedelta, presented: int):
    assert outcome(rotated(age), presented) is Outcome.REUSE


@pytest.mark.parametrize(
    ("presented", "expected"),
    [
        (2, Outcome.REPEAT),
        (3, Outcome.REUSE),
        (4, Outcome.REUSE),
        (5, Outcome.ROTATE),
        (6, Outcome.AHEAD),
    ],
)
def test_a_given_up_token_is_reuse_even_within_the_grace_period(presented: int, expected: Outcome):
    recovered = rotated(AT_ONCE, seen_generation=2, grace_generation=2, given_up_from=3, given_up_to=4)

    assert outcome(recovered, presented) is expected


@pytest.mark.parametrize("presented", [6, 7, 2**62])
@pytest.mark.parametrize("windows", [WINDOWS, STRICT], ids=["lenient", "strict"])
def test_a_token_ahead_of_the_row_is_accepted(presented: int, windows: Windows):
    assert outcome(rotated(LONG_AGO), presented, windows) is Outcome.AHEAD


@pytest.mark.parametrize(("presented", "expected"), [(4, Outcome.INVALID), (5, Outcome.ROTATE)])
def test_a_token_below_the_floor_is_invalid_and_no_reuse(presented: int, expected: Outcome):
    assert outcome(rotated(AT_ONCE, floor_generation=5), presented) is expected
    assert outcome(rotated(LONG_AGO, floor_generation=5), presented) is expected


def test_the_floor_comes_before_what_was_given_up():
    assert outcome(rotated(AT_ONCE, floor_generation=5, given_up_from=3, given_up_to=4), 4) is Outcome.INVALID


@pytest.mark.parametrize("end", ["inactivity_expires_at", "absolute_expires_at"])
@pytest.mark.parametrize("presented", [1, 4, 5, 6])
def test_a_session_expires_at_the_instant_and_expiry_is_no_theft(end: str, presented: int):
    assert outcome(rotated(LONG_AGO, **{end: NOW}), presented) is Outcome.EXPIRED


@pytest.mark.parametrize("end", ["inactivity_expires_at", "absolute_expires_at"])
def test_a_session_lives_up_to_the_last_microsecond(end: str):
    assert outcome(rotated(AT_ONCE, **{end: NOW + TICK}), 5) is Outcome.ROTATE


@pytest.mark.parametrize("presented", [1, 4, 5, 6])
def test_a_revoked_session_says_so_before_it_says_expired(presented: int):
    over = rotated(AT_ONCE, revoked_at=NOW - TICK, absolute_expires_at=NOW, floor_generation=5)

    assert outcome(over, presented) is Outcome.REVOKED


REVOKED_TOO = rotated(AT_ONCE, revoked_at=NOW, inactivity_expires_at=NOW)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (snapshot(REVOKED_TOO, status="deleted"), Outcome.PERSON_DELETED),
        (snapshot(REVOKED_TOO, status="suspended"), Outcome.PERSON_SUSPENDED),
        (snapshot(REVOKED_TOO, status="a status of the future"), Outcome.PERSON_SUSPENDED),
        (in_organization(REVOKED_TOO, status="suspended"), Outcome.ORGANIZATION_SUSPENDED),
        (in_organization(REVOKED_TOO, is_member=False), Outcome.MEMBERSHIP_LOST),
        (
            in_organization(REVOKED_TOO, status="suspended", is_member=False),
            Outcome.ORGANIZATION_SUSPENDED,
        ),
    ],
)
@pytest.mark.parametrize("presented", [1, 5, 6])
def test_what_became_of_the_person_comes_first(found: Snapshot, expected: Outcome, presented: int):
    assert decide(found, presented, NOW, WINDOWS) is expected


def test_a_member_of_an_active_organization_goes_on():
    assert decide(in_organization(rotated(AT_ONCE)), 5, NOW, WINDOWS) is Outcome.ROTATE
