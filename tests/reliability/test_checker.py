"""The checker finds deliberately broken histories and accepts honest ones."""

from pathlib import Path

from tests.reliability.checker import FinalRow, Violation, Windows, check
from tests.reliability.history import History, Invocation, Operation, Outcome, Token

WINDOWS = Windows(grace_seconds=2, recovery_seconds=100)


def token(generation: int, label: str = "") -> Token:
    return Token("s", generation, label or f"label-{generation}")


def login(at: float, client: str = "a") -> Invocation:
    return Invocation(client, "s", Operation.LOGIN, at, at + 0.1, Outcome.OK, received=token(1), status=200)


def refresh(
    at: float, presented: int, received: Token | None, outcome: Outcome = Outcome.OK, client: str = "a"
) -> Invocation:
    return Invocation(
        client, "s", Operation.REFRESH, at, at + 0.1, outcome, presented=token(presented), received=received
    )


def refused(at: float, presented: int, client: str = "a") -> Invocation:
    return refresh(at, presented, None, Outcome.REFUSED, client)


def lost(at: float, presented: int) -> Invocation:
    return refresh(at, presented, None, Outcome.UNKNOWN)


def use(at: float, presented: int, outcome: Outcome = Outcome.OK) -> Invocation:
    return Invocation("a", "s", Operation.USE, at, at + 0.1, outcome, presented=token(presented))


def logout(at: float, outcome: Outcome = Outcome.OK) -> Invocation:
    return Invocation("a", "s", Operation.LOGOUT, at, at + 0.1, outcome)


def found(*history: Invocation, generation: int = 9, is_revoked: bool = False) -> set[str]:
    return {v.invariant for v in violations(*history, row=FinalRow(generation, is_revoked))}


def violations(*history: Invocation, row: FinalRow | None) -> list[Violation]:
    return check(history, {"s": row} if row else {}, WINDOWS)


def test_honest_rotation_is_accepted() -> None:
    assert not found(login(0), refresh(1, 1, token(2)), use(2, 2), refresh(5, 2, token(3)), generation=3)


def test_repeat_within_grace_is_accepted() -> None:
    assert not found(login(0), refresh(1, 1, token(2)), refresh(1.5, 1, token(2), client="b"), generation=2)


def test_recovery_of_lost_answer_is_accepted() -> None:
    assert not found(login(0), lost(1, 1), refresh(9, 1, token(3)), use(10, 3), generation=3)


def test_reuse_that_ends_session_is_accepted() -> None:
    history = (
        login(0),
        refresh(1, 1, token(2)),
        refresh(4, 2, token(3)),
        refused(9, 1, "thief"),
        refused(10, 3),
    )
    assert not found(*history, generation=3, is_revoked=True)


def test_logout_that_ends_session_is_accepted() -> None:
    assert not found(login(0), logout(1), refused(2, 1), generation=1, is_revoked=True)


def test_unanswered_logout_may_or_may_not_have_happened() -> None:
    assert not found(login(0), logout(1, Outcome.UNKNOWN), refused(2, 1), generation=1, is_revoked=True)
    assert not found(login(0), logout(1, Outcome.UNKNOWN), refresh(2, 1, token(2)), generation=2)


def test_refused_current_token_is_found() -> None:
    assert found(login(0), refresh(1, 1, token(2)), refused(5, 2)) == {"I1"}


def test_refused_token_of_a_tab_is_found() -> None:
    copy = Invocation("tab", "s", Operation.COPY, 0.5, 0.5, Outcome.OK, received=token(1))
    assert found(login(0), copy, refresh(1, 1, token(2)), refused(1.5, 1, "tab")) == {"I1"}


def test_refused_retry_of_lost_answer_is_found() -> None:
    assert found(login(0), lost(1, 1), refused(9, 1), is_revoked=True) == {"I1"}


def test_session_lost_without_a_refusal_is_found_in_the_table() -> None:
    assert found(login(0), refresh(1, 1, token(2)), is_revoked=True) == {"I1"}


def test_logout_of_one_session_excuses_no_other() -> None:
    other = Invocation("b", "t", Operation.LOGOUT, 1, 1.1, Outcome.OK)
    rows = {"s": FinalRow(1, is_revoked=False), "t": FinalRow(1, is_revoked=True)}
    assert {v.session for v in check([login(0), other, refused(2, 1)], rows, WINDOWS)} == {"s"}


def test_fork_of_one_generation_is_found() -> None:
    history = (login(0), refresh(1, 1, token(2)), refresh(1.2, 1, token(2, "fork"), client="b"))
    assert found(*history) == {"I2"}


def test_answer_that_falls_back_is_found() -> None:
    history = (login(0), refresh(1, 1, token(2)), refresh(1.2, 2, token(3)), refresh(1.5, 1, token(2)))
    assert found(*history) == {"I2"}


def test_accepted_spent_token_is_found() -> None:
    history = (
        login(0),
        refresh(1, 1, token(2)),
        refresh(4, 2, token(3)),
        refresh(9, 1, token(4), client="thief"),
    )
    assert found(*history) == {"I3"}


def test_session_that_outlives_reuse_is_found() -> None:
    history = (login(0), refresh(1, 1, token(2)), refresh(4, 2, token(3)), refused(9, 1, "thief"))
    assert found(*history) == {"I3"}
    assert found(*history, refresh(10, 3, token(4)), is_revoked=True) == {"I3"}


def test_session_revived_after_logout_is_found() -> None:
    assert found(login(0), logout(1), refresh(2, 1, token(2)), is_revoked=True) == {"I4"}
    assert found(login(0), logout(1), use(2, 1), is_revoked=True) == {"I4"}


def test_refresh_that_began_before_the_logout_was_answered_may_succeed() -> None:
    assert not found(login(0), logout(1), refresh(1.05, 1, token(2)), is_revoked=True)


def test_refusal_that_does_not_last_is_found() -> None:
    history = (login(0), logout(1, Outcome.UNKNOWN), refused(2, 1), refresh(3, 1, token(2)))
    assert found(*history) == {"I5"}


def test_acknowledged_generation_missing_from_the_database_is_found() -> None:
    assert found(login(0), refresh(1, 1, token(2)), refresh(2, 2, token(3)), generation=2) == {"I5"}


def test_acknowledged_session_missing_from_the_database_is_found() -> None:
    assert [v.invariant for v in violations(login(0), row=None)] == ["I5"]


def test_acknowledged_logout_missing_from_the_database_is_found() -> None:
    assert found(login(0), logout(1)) == {"I5"}


def test_history_survives_being_written_and_read(tmp_path: Path) -> None:
    history = History([login(0), refresh(1, 1, token(2)), logout(2)])
    history.write(tmp_path / "history.jsonl")
    assert list(History.read(tmp_path / "history.jsonl")) == list(history)
