"""What every fault test asks at its end: did the promises hold, and how many were kept."""

import os
from pathlib import Path
from tempfile import mkdtemp

from tests.reliability.checker import Windows, check
from tests.reliability.databases import final_rows
from tests.reliability.history import History, Operation

ROUNDS = int(os.environ.get("KEYTURN_TEST_ROUNDS", "5"))
PATIENT_GRACE, SHORT_GRACE = 30, 1
RECOVERY_SECONDS = 86400


def assert_promises_held(
    history: History, database_url: str, grace_seconds: int, *, are_rotations_durable: bool = True
) -> str:
    """Check a history against the final table and return its figure; a broken one is kept on disk."""
    windows = Windows(grace_seconds, RECOVERY_SECONDS, are_rotations_durable)
    violations = check(history, final_rows(database_url), windows)
    if violations:
        kept = Path(mkdtemp(prefix="keyturn-history-")) / "history.jsonl"
        history.write(kept)
        message = "\n".join([f"{len(violations)} violations, history in {kept}", *map(str, violations[:10])])
        raise AssertionError(message)
    return figure_of(history)


def figure_of(history: History) -> str:
    sessions = len({invocation.session for invocation in history})
    return f"{sessions} sessions, {history.count(Operation.REFRESH)} refreshes, 0 lost"
