"""Measures POST /auth/refresh-token under gunicorn against a hand-written floor, in alternating rounds.

With `--refreshes N` it measures nothing, but refreshes N times and shows that every session is still one row.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from contenders import FLOOR, PATH, VARIANTS, Contender, contending
from databases import postgresql_version
from load_generator import Job, Outcome
from servers import THREADS, WORKERS

_WARM_UP_SECONDS = 1.0
_NO_LIMIT = 24 * 3600.0
_BACKENDS_END_SECONDS = 0.5
_KINDS = ("postgresql", "sqlite")
_COLUMNS = (
    "refreshes/s",
    "× floor",
    "p50 ms",
    "p99 ms",
    "CPU ms/refresh",
    "× floor",
    "transactions/refresh",
    "rows/sessions",
)


@dataclass
class Result:
    """What the rounds of one contender came to; `rates` in refreshes a second, `cpu` in seconds a refresh."""

    name: str
    clients: int
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    generator_load: float = 0.0
    refreshes: int = 0
    rows: int = 0
    transactions: int | None = None

    @property
    def is_sound(self) -> bool:
        return not self.refusals and self.rows == self.clients

    def percentile(self, hundredth: int) -> float:
        return statistics.quantiles(self.latencies, n=100)[hundredth - 1]


def load(contender: Contender, seconds: float, refreshes: int = 0) -> Outcome:
    """Let every client refresh its session in a loop, from a process of its own."""
    job = Job(contender.server.port, PATH, contender.tokens, seconds, refreshes)
    generator = [sys.executable, str(Path(__file__).with_name("load_generator.py"))]
    finished = subprocess.run(
        generator, input=json.dumps(asdict(job)), stdout=subprocess.PIPE, text=True, check=True
    )
    outcome = Outcome(**json.loads(finished.stdout))
    contender.tokens = outcome.tokens
    return outcome


def measure(contender: Contender, result: Result, seconds: float) -> None:
    """Run one round and add it to the result."""
    cpu_before = contender.server.cpu_seconds()
    outcome = load(contender, seconds)
    cpu = contender.server.cpu_seconds() - cpu_before
    result.rates.append(len(outcome.latencies) / outcome.elapsed)
    result.cpu.append(cpu / answered(outcome))
    result.latencies += outcome.latencies
    result.refusals.update(outcome.refusals)
    result.generator_load = max(result.generator_load, outcome.cpu_seconds / outcome.elapsed)
    result.refreshes += answered(outcome)


def answered(outcome: Outcome) -> int:
    """Count the answers under way at the end as well, one a client: they were worked for."""
    return len(outcome.latencies) + len(outcome.tokens)


def compare(kind: str, options: argparse.Namespace) -> list[Result]:
    """Measure the floor and every variant of Keyturn on one kind of database."""
    names = [FLOOR, *VARIANTS]
    results = {name: Result(name, options.clients) for name in names}
    with contending(names, kind, options.clients) as contenders:
        for contender in contenders:
            results[contender.name].refreshes += answered(load(contender, _WARM_UP_SECONDS))
        for number in range(options.rounds):
            # Each round starts with another one, so that no contender always follows the same neighbour.
            shift = number % len(contenders)
            for contender in contenders[shift:] + contenders[:shift]:
                measure(contender, results[contender.name], options.seconds)
        for contender in contenders:
            take_stock(contender, results[contender.name])
    return list(results.values())


def take_stock(contender: Contender, result: Result) -> None:
    """Stop the server and count what it left in its database."""
    contender.stop()
    time.sleep(_BACKENDS_END_SECONDS)
    result.rows = contender.database.count_sessions()
    result.transactions = contender.database.count_transactions()


def table(results: Sequence[Result]) -> str:
    """Ratios are medians of the rounds, each round against the floor's beside it."""
    floor = results[0]
    lines = [f"| | {' | '.join(_COLUMNS)} |", "|---" * (len(_COLUMNS) + 1) + "|"]
    for result in results:
        cells = [
            result.name,
            f"{statistics.median(result.rates):.0f}",
            f"{_ratio(result.rates, floor.rates):.2f}",
            f"{result.percentile(50) * 1000:.1f}",
            f"{result.percentile(99) * 1000:.1f}",
            f"{statistics.median(result.cpu) * 1000:.2f}",
            f"{_ratio(result.cpu, floor.cpu):.2f}",
            "–" if result.transactions is None else f"{result.transactions / result.refreshes:.2f}",
            f"{result.rows}/{result.clients}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _ratio(ours: Sequence[float], floors: Sequence[float]) -> float:
    return statistics.median(our / floor for our, floor in zip(ours, floors, strict=True))


def describe_machine(kinds: Sequence[str]) -> str:
    """Say what the figures are true of."""
    processors = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(":", 1)[1].strip() for line in processors if line.startswith("model name")]
    parts = [f"{os.cpu_count()} cores", *models[:1], f"Python {platform.python_version()}"]
    if "postgresql" in kinds:
        parts.append(f"PostgreSQL {postgresql_version()}")
    return " · ".join([*parts, f"{datetime.now(UTC):%Y-%m-%d}"])


def report(kind: str, options: argparse.Namespace) -> bool:
    """Print the table of one kind of database and return whether every refresh went through on one row."""
    results = compare(kind, options)
    print(f"\n{kind}: {WORKERS} workers × {THREADS} threads, {options.clients} clients,", end=" ")
    print(f"{options.rounds} rounds of {options.seconds:g} s each\n\n{table(results)}\n")
    busiest = max(result.generator_load for result in results)
    print(f"The load generator used at most {busiest:.0%} of one core.")
    for result in results:
        if result.refusals:
            print(f"{result.name}: not answered with 200: {dict(result.refusals)}")
    return all(result.is_sound for result in results)


def check_growth(kind: str, options: argparse.Namespace) -> bool:
    """Refresh until the wanted number is reached and return whether every session is still one row."""
    with contending(["keyturn"], kind, options.clients) as (contender,):
        outcome = load(contender, seconds=_NO_LIMIT, refreshes=options.refreshes)
        contender.stop()
        time.sleep(_BACKENDS_END_SECONDS)
        rows, growth = contender.database.count_sessions(), contender.database.describe_growth()
    done = f"{len(outcome.latencies)} refreshes of {options.clients} sessions in {outcome.elapsed:.0f} s"
    print(f"{kind}: {done}: {rows} rows in sessions; {growth}; refused: {outcome.refusals or 'none'}")
    return rows == options.clients and not outcome.refusals


def parse_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Measures refreshes under gunicorn against a hand-written floor."
    )
    parser.add_argument("--database", choices=[*_KINDS, "all"], default="all")
    parser.add_argument("--rounds", type=int, default=3, help="of every contender")
    parser.add_argument("--seconds", type=float, default=6.0, help="of one round")
    parser.add_argument("--clients", type=int, default=16, help="with one session and one connection each")
    parser.add_argument("--refreshes", type=int, default=0, help="only refresh this often and count the rows")
    return parser.parse_args(arguments)


def main() -> int:
    options = parse_options()
    kinds = _KINDS if options.database == "all" else (options.database,)
    print(describe_machine(kinds))
    run = check_growth if options.refreshes else report
    verdicts = [run(kind, options) for kind in kinds]
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
