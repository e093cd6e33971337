"""Rounds that alternate between servers, so that a ratio compares what ran side by side."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from load_generator import Job, Outcome, Wire, generate
from servers import Server


@dataclass
class Target:
    """A server and its clients; `tokens` holds the newest of each."""

    server: Server
    wire: Wire
    tokens: list[str]

    def load(self, seconds: float) -> Outcome:
        """Let every client send its requests in a loop."""
        outcome = generate(Job(self.server.port, self.wire, self.tokens, seconds))
        self.tokens = outcome.tokens
        return outcome


@dataclass
class Rounds:
    """What the rounds of one target came to; `rates` in answers a second, `cpu` in seconds an answer."""

    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    generator_load: float = 0.0
    answered: int = 0

    def percentile(self, hundredth: int) -> float:
        return statistics.quantiles(self.latencies, n=100)[hundredth - 1]

    def add(self, outcome: Outcome, cpu: float) -> None:
        # The answers under way at the end count as well, one a client: they were worked for.
        answered = len(outcome.latencies) + len(outcome.tokens)
        self.rates.append(len(outcome.latencies) / outcome.elapsed)
        self.cpu.append(cpu / answered)
        self.latencies += outcome.latencies
        self.refusals.update(outcome.refusals)
        self.generator_load = max(self.generator_load, outcome.cpu_seconds / outcome.elapsed)
        self.answered += answered


def alternate(targets: Mapping[str, Target], rounds: int, seconds: float) -> dict[str, Rounds]:
    """Give every target its turn in every round, each round beginning with another one."""
    results = {name: Rounds() for name in targets}
    names = list(targets)
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            target = targets[name]
            before = target.server.cpu_seconds()
            outcome = target.load(seconds)
            results[name].add(outcome, target.server.cpu_seconds() - before)
    return results


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median over the rounds, each against the other's beside it."""
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))
