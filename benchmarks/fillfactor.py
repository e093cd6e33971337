"""Measures the share of HOT updates and the bytes per session for several fill factors of `sessions`."""

import argparse
import sys
import time
from pathlib import Path

# Run as a program, only its own folder is on the path.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from databases import Database, Updates, created
from in_process import filled

_STATISTICS_SECONDS = 1.0


def measure(fillfactor: int, sessions: int) -> tuple[float, list[float]]:
    """Return bytes a session, and the share of HOT updates in each of two passes over all sessions."""
    with created(f"fillfactor_{fillfactor}") as database, filled(database, sessions) as keyturn:
        database.execute(f"ALTER TABLE sessions SET (fillfactor = {fillfactor:d})")
        database.execute("VACUUM FULL ANALYZE sessions")
        size = database.number("SELECT pg_total_relation_size('sessions')") / sessions
        shares, before = [], _updates(database)
        tokens = keyturn.some_tokens(sessions)
        for _ in range(2):
            tokens = [keyturn.refresh(token) for token in tokens]
            keyturn.disconnect()
            after = _updates(database)
            shares.append((after.hot - before.hot) / (after.total - before.total))
            before = after
        return size, shares


def _updates(database: Database) -> Updates:
    time.sleep(_STATISTICS_SECONDS)
    return database.updates("sessions")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=20_000)
    parser.add_argument("fillfactors", type=int, nargs="*", default=[100, 95, 90, 85, 80])
    options = parser.parse_args()
    print("| fillfactor | bytes/session | HOT, each session refreshed once | HOT, once more |")
    print("|---|---|---|---|")
    for fillfactor in options.fillfactors:
        size, (first, second) = measure(fillfactor, options.sessions)
        print(f"| {fillfactor} | {size:.0f} | {first:.2%} | {second:.2%} |")


if __name__ == "__main__":
    main()
