"""Measures what grows with the number of sessions: the time of requests, the bytes, the log, the clean-up.

`--write docs/performance.md` also puts the results into that page. Needs a PostgreSQL on which nobody else
writes while it runs: the write-ahead log belongs to the whole server.
"""

import argparse
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

# Run as a program, only its own folder is on the path.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from databases import Updates, created
from in_process import SESSIONS_PER_PERSON, Keyturn, filled
from machine import describe_machine, write_section
from rounds import ratio
from servers import cpu_seconds

_SIZES = (1_000, 100_000, 1_000_000)
_LOGINS = 200
_CALLS = 200
_MEANWHILE = 200
# Enough refreshes for a 99th percentile to be more than the slowest.
_FOR_P99 = 100
_ENDED_SHARE = 0.1
_FORK = multiprocessing.get_context("fork")
_LET_SOME_END_LONG_AGO = """
UPDATE sessions SET revoked_at = now() - interval '1 year', revoked_reason = 'logout' WHERE random() < %s
"""
_WARM_UP = 50
_STATISTICS_SECONDS = 1.0
_SECTION = "growth"
_GOAL = 1.15


@dataclass
class Growth:
    """What was found at one size. Sizes are bytes of `sessions` with its indexes, vacuumed."""

    latencies: list[float] = field(default_factory=list)
    medians: list[float] = field(default_factory=list)
    first_log: list[float] = field(default_factory=list)
    later_log: list[float] = field(default_factory=list)
    database_cpu: float = 0.0
    refreshes: int = 0
    size_before: int = 0
    people_size: int = 0
    size_unvacuumed: int = 0
    size_after: int = 0
    rows_added: int = 0
    updates: Updates | None = None
    sweep: float = 0.0
    login_rows: float = 0.0
    login_bytes: float = 0.0
    listing: float = 0.0
    logout_everywhere: float = 0.0
    pruning: "Pruning | None" = None

    @property
    def hot_share(self) -> float:
        return self.updates.hot / self.updates.total if self.updates else 0.0


@dataclass
class Pruning:
    """What `sessions prune` looked at and deleted in a process of its own, and how others fared meanwhile."""

    rows: int
    deleted: int
    seconds: float
    latencies: list[float]

    @property
    def meanwhile(self) -> str:
        if len(self.latencies) < _FOR_P99:
            return "over too soon"
        return f"{statistics.quantiles(self.latencies, n=100)[98] * 1000:.2f}"


def measure(sizes: Sequence[int], rounds: int, refreshes: int) -> dict[int, Growth]:
    """Let databases of all sizes take turns."""
    with ExitStack() as stack:
        keyturns = {}
        for size in sizes:
            database = stack.enter_context(created(f"growth_{size}"))
            keyturns[size] = stack.enter_context(filled(database, size))
        found = {
            size: Growth(size_before=_size(keyturn), people_size=_size(keyturn, "users"))
            for size, keyturn in keyturns.items()
        }
        for _ in range(rounds):
            for size, keyturn in keyturns.items():
                run_round(keyturn, found[size], refreshes)
        for size, keyturn in keyturns.items():
            take_stock(keyturn, found[size])
            found[size].listing = _median_seconds(keyturn.list_sessions)
            found[size].logout_everywhere = _median_seconds(keyturn.log_out_everywhere)
            found[size].pruning = prune(keyturn)
        return found


def run_round(keyturn: Keyturn, growth: Growth, refreshes: int) -> None:
    """Refresh sessions from all over the table, twice each."""
    tokens = keyturn.some_tokens(min(refreshes, keyturn.sessions))
    for _ in range(_WARM_UP):
        tokens[0] = keyturn.refresh(tokens[0])
    keyturn.database.execute("CHECKPOINT")
    cpu_before = _backend_cpu(keyturn)
    for log in (growth.first_log, growth.later_log):
        log_before = _log_position(keyturn)
        latencies = _refresh_each(keyturn, tokens)
        log.append((_log_position(keyturn) - log_before) / len(tokens))
        growth.latencies += latencies
        growth.medians.append(statistics.median(latencies))
    growth.database_cpu += _backend_cpu(keyturn) - cpu_before
    growth.refreshes += 2 * len(tokens)


def take_stock(keyturn: Keyturn, growth: Growth) -> None:
    """Weigh the table before and after a vacuum, then look at what logins cost."""
    keyturn.disconnect()
    time.sleep(_STATISTICS_SECONDS)
    database = keyturn.database
    growth.updates = database.updates("sessions")
    growth.rows_added = database.number("SELECT count(*) FROM sessions") - keyturn.sessions
    growth.size_unvacuumed = _size(keyturn)
    database.execute("VACUUM sessions")
    growth.size_after = _size(keyturn)
    growth.sweep = _median_seconds(keyturn.sweep, 20)
    before = database.weigh()
    for _ in range(_LOGINS):
        keyturn.log_in()
    after = database.weigh()
    growth.login_rows = (after.rows - before.rows) / _LOGINS
    growth.login_bytes = (after.size - before.size) / _LOGINS


def prune(keyturn: Keyturn) -> Pruning:
    """Let a tenth of the sessions have ended long ago, clean up, and refresh others until that is done."""
    keyturn.database.execute(_LET_SOME_END_LONG_AGO, _ENDED_SHARE)
    tokens = keyturn.some_tokens(_MEANWHILE)
    rows = keyturn.database.number("SELECT count(*) FROM sessions")
    # Connections must not cross the fork.
    keyturn.disconnect()
    ours, theirs = _FORK.Pipe()
    pruner = _FORK.Process(target=_prune, args=(keyturn, theirs))
    pruner.start()
    latencies: list[float] = []
    while not ours.poll():
        latencies += _refresh_each(keyturn, tokens)
    seconds, deleted = ours.recv()
    pruner.join()
    return Pruning(rows, deleted, seconds, latencies)


def _prune(keyturn: Keyturn, pipe: Pipe) -> None:
    started = time.perf_counter()
    deleted = keyturn.prune()
    pipe.send((time.perf_counter() - started, deleted))


def _refresh_each(keyturn: Keyturn, tokens: list[str]) -> list[float]:
    latencies = []
    for index, token in enumerate(tokens):
        started = time.perf_counter()
        tokens[index] = keyturn.refresh(token)
        latencies.append(time.perf_counter() - started)
    return latencies


def _median_seconds(work: Callable[[], None], calls: int = _CALLS) -> float:
    return statistics.median(_seconds(work) for _ in range(calls))


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _size(keyturn: Keyturn, table: str = "sessions") -> int:
    return keyturn.database.number("SELECT pg_total_relation_size(%s::regclass)", table)


def _log_position(keyturn: Keyturn) -> int:
    return keyturn.database.number("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')")


def _backend_cpu(keyturn: Keyturn) -> float:
    """Return the CPU that the database's connections have used so far; nothing where it runs elsewhere."""
    backends = keyturn.database.rows(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    return sum(cpu_seconds(pid) for (pid,) in backends if Path(f"/proc/{pid}/stat").exists())


def table(found: dict[int, Growth]) -> str:
    base = next(iter(found.values())).medians
    measures: dict[str, Callable[[int, Growth], str]] = {
        "refresh p50 ms, in process": lambda _, one: f"{statistics.median(one.medians) * 1000:.2f}",
        "× the smallest": lambda _, one: f"**{ratio(one.medians, base):.2f}**",
        "refresh p99 ms": lambda _, one: f"{statistics.quantiles(one.latencies, n=100)[98] * 1000:.2f}",
        "database CPU ms/refresh": lambda _, one: f"{one.database_cpu / one.refreshes * 1000:.2f}",
        "bytes/session, indexes included": lambda size, one: f"{one.size_before / size:.0f}",
        "bytes/person, indexes included": lambda size, one: (
            f"{one.people_size / (size // SESSIONS_PER_PERSON):.0f}"
        ),
        "refreshes": lambda _, one: f"{one.refreshes:,}",
        "rows added by them": lambda _, one: str(one.rows_added),
        "bytes before": lambda _, one: f"{one.size_before:,}",
        "bytes after, before vacuum": lambda _, one: f"{one.size_unvacuumed:,}",
        "bytes after vacuum": lambda _, one: f"{one.size_after:,}",
        "HOT updates": lambda _, one: f"**{one.hot_share:.2%}**",
        "log bytes/refresh, page new since checkpoint": lambda _, one: f"{min(one.first_log):.0f}",
        "log bytes/refresh, page known": lambda _, one: f"{min(one.later_log):.0f}",
        "sweep of one login, ms": lambda _, one: f"{one.sweep * 1000:.1f}",
        "list of a person's sessions p50 ms": lambda _, one: f"{one.listing * 1000:.2f}",
        "logout everywhere p50 ms": lambda _, one: f"{one.logout_everywhere * 1000:.2f}",
        "`sessions prune`: rows/s looked at": lambda _, one: (
            f"{one.pruning.rows / one.pruning.seconds:,.0f}" if one.pruning else ""
        ),
        "… rows deleted": lambda _, one: f"{one.pruning.deleted:,}" if one.pruning else "",
        "… refresh p99 ms meanwhile": lambda _, one: one.pruning.meanwhile if one.pruning else "",
        "rows/login": lambda _, one: f"{one.login_rows:.2f}",
        "bytes/login": lambda _, one: f"{one.login_bytes:.0f}",
    }
    lines = [f"| sessions | {' | '.join(f'{size:,}' for size in found)} |", "|---" * (len(found) + 1) + "|"]
    for title, cell in measures.items():
        lines.append(f"| {title} | {' | '.join(cell(size, one) for size, one in found.items())} |")
    return "\n".join(lines)


def parse_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=_SIZES[-1], help="leave out sizes beyond this")
    parser.add_argument("--rounds", type=int, default=3, help="of every size")
    parser.add_argument("--refreshes", type=int, default=1000, help="sessions of a round, refreshed twice")
    parser.add_argument("--write", type=Path, help="a page to put the results into")
    return parser.parse_args(arguments)


def main() -> int:
    options = parse_options()
    machine = describe_machine()
    sizes = [size for size in _SIZES if size <= options.largest]
    found = measure(sizes, options.rounds, options.refreshes)
    text = f"{machine}\n\n{table(found)}"
    print(text)
    if options.write:
        write_section(options.write, _SECTION, text)
    largest, smallest = found[sizes[-1]], found[sizes[0]]
    is_flat = ratio(largest.medians, smallest.medians) <= _GOAL
    return 0 if is_flat and not any(one.rows_added for one in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
