"""Compares refreshes under gunicorn: Keyturn, a hand-written floor, and what Python teams usually take.

`--write docs/performance.md` also puts the results into that page.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from behaviour import RACERS, Race, StolenToken, describe_repeat, race
from contenders import ASYNCHRONOUS, CONTENDERS, DURABLE, FLOOR, Contender, contending
from databases import Weight
from guard import GuardCost, measure_guard
from machine import describe_machine, write_section
from rounds import Rounds, alternate, ratio
from servers import THREADS, WORKERS

_WARM_UP_SECONDS = 1.0
_BACKENDS_END_SECONDS = 0.5
_RACES = 5
_SPARE = _RACES + 2
_SECTION = "make bench"


@dataclass
class Result:
    """All that is found out about one contender."""

    rounds: Rounds
    memory: float
    repeat: str
    race: Race
    stolen: str
    before: Weight
    after: Weight

    @property
    def is_sound(self) -> bool:
        return not self.rounds.refusals

    def grown(self, weight: Callable[[Weight], int]) -> float:
        """Return by how much the database grew in 10,000 refreshes."""
        return (weight(self.after) - weight(self.before)) / self.rounds.answered * 10_000


@dataclass
class Beginning:
    """What was found out before the rounds."""

    repeat: str
    race: Race
    stolen: StolenToken
    weight: Weight


def begin(contender: Contender) -> Beginning:
    """Warm up, try what happens to tokens that come twice, and weigh the database."""
    contender.load(_WARM_UP_SECONDS)
    return Beginning(
        repeat=describe_repeat(contender, contender.spare[0]),
        stolen=StolenToken.take(contender, contender.spare[1]),
        race=race(contender, contender.spare[2:]),
        weight=contender.database.weigh(),
    )


def finish(contender: Contender, beginning: Beginning, rounds: Rounds) -> Result:
    """Weigh again, let the stolen token return, and stop the server."""
    memory = contender.server.memory_per_worker()
    after = contender.database.weigh()
    stolen = beginning.stolen.describe_return(contender)
    contender.stop()
    return Result(rounds, memory, beginning.repeat, beginning.race, stolen, beginning.weight, after)


def compare(options: argparse.Namespace) -> dict[str, Result]:
    """Measure every contender in alternating rounds."""
    with contending(list(CONTENDERS), options.clients, _SPARE) as contenders:
        beginnings = {name: begin(contender) for name, contender in contenders.items()}
        rounds = alternate(contenders, options.rounds, options.seconds)
        return {
            name: finish(contender, beginnings[name], rounds[name]) for name, contender in contenders.items()
        }


def table(results: dict[str, Result]) -> str:
    """Ratios are medians of the rounds, each round against the floor's beside it."""
    floor = results[FLOOR].rounds
    measures: dict[str, Callable[[Result], str]] = {
        "refreshes/s": lambda one: f"{statistics.median(one.rounds.rates):.0f}",
        "× floor": lambda one: f"**{ratio(one.rounds.rates, floor.rates):.2f}**",
        "p50 ms": lambda one: f"{one.rounds.percentile(50) * 1000:.1f}",
        "p99 ms": lambda one: f"{one.rounds.percentile(99) * 1000:.1f}",
        "server CPU ms/refresh": lambda one: f"{statistics.median(one.rounds.cpu) * 1000:.2f}",
        "× floor's CPU": lambda one: f"{ratio(one.rounds.cpu, floor.cpu):.2f}",
        "MiB of memory/worker": lambda one: f"{one.memory:.0f}",
        "rows added/10,000 refreshes": lambda one: f"{one.grown(lambda weight: weight.rows):.0f}",
        "KiB added/10,000 refreshes": lambda one: f"{one.grown(lambda weight: weight.size) / 1024:.0f}",
        "a token repeated at once": lambda one: one.repeat,
        f"{RACERS} connections, one token: granted": lambda one: f"{one.race.granted:g} of {RACERS}",
        "… live lines afterwards": lambda one: f"{one.race.live:g}",
        "a stolen token returns late": lambda one: one.stolen,
    }
    lines = [f"| | {' | '.join(results)} |", "|---" * (len(results) + 1) + "|"]
    for title, cell in measures.items():
        lines.append(f"| {title} | {' | '.join(cell(result) for result in results.values())} |")
    return "\n".join(lines)


def verdicts(results: dict[str, Result], guard: GuardCost) -> str:
    """Say how far the goals are met."""
    floor, durable = results[FLOOR].rounds, results[DURABLE].rounds
    asynchronous = results[ASYNCHRONOUS].rounds
    figures = (
        ("durable swaps × floor", ratio(durable.rates, floor.rates), "≥ 0.85"),
        ("their CPU × floor's", ratio(durable.cpu, floor.cpu), "≤ 1.2"),
        ("asynchronous swaps × durable floor", ratio(asynchronous.rates, floor.rates), "> 1"),
        ("guarded request, ms of CPU added", guard.added_seconds * 1000, "≤ 0.35"),
    )
    lines = ["| goal | | measured |", "|---|---|---|"]
    lines += [f"| {title} | {goal} | {measured:.2f} |" for title, measured, goal in figures]
    return "\n".join(lines)


def report(options: argparse.Namespace, results: dict[str, Result], guard: GuardCost) -> str:
    busiest = max(result.rounds.generator_load for result in results.values())
    settings = (
        f"{WORKERS} workers × {THREADS} threads, {options.clients} clients, {options.rounds} alternating"
        f" rounds of {options.seconds:g} s each. The load generator used at most {busiest:.0%} of one core."
    )
    refused = [
        f"{name}: not answered with 200: {dict(result.rounds.refusals)}"
        for name, result in results.items()
        if not result.is_sound
    ]
    parts = [settings, table(results), guard.describe(), verdicts(results, guard), *refused]
    return "\n\n".join(parts)


def parse_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of every contender")
    parser.add_argument("--seconds", type=float, default=6.0, help="of one round")
    parser.add_argument("--clients", type=int, default=16, help="with one session and one connection each")
    parser.add_argument("--write", type=Path, help="a page to put the results into")
    return parser.parse_args(arguments)


def main() -> int:
    options = parse_options()
    machine = describe_machine()
    results = compare(options)
    time.sleep(_BACKENDS_END_SECONDS)
    guard = measure_guard(options.clients, options.rounds, options.seconds / 2)
    text = f"{machine}\n\n{report(options, results, guard)}"
    print(text)
    if options.write:
        write_section(options.write, _SECTION, text)
    return 0 if guard.is_sound and all(result.is_sound for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
