"""Measures what the check of an access token costs: one Flask view, with the guard before it and without."""

import os
import statistics
from contextlib import ExitStack
from dataclasses import dataclass

from contenders import sign_up, start_keyturn
from databases import created
from load_generator import Wire
from rounds import Rounds, Target, alternate
from servers import serving

_BARE = "bare Flask view"
_GUARDED = "the same view behind `@signed_in`"
_ACCOUNT = "`GET /auth/me`"


@dataclass(frozen=True)
class GuardCost:
    results: dict[str, Rounds]

    @property
    def added_seconds(self) -> float:
        """CPU a request beyond the bare view: the median over the rounds."""
        guarded, bare = self.results[_GUARDED].cpu, self.results[_BARE].cpu
        return statistics.median(one - other for one, other in zip(guarded, bare, strict=True))

    @property
    def is_sound(self) -> bool:
        return not any(result.refusals for result in self.results.values())

    def describe(self) -> str:
        cpu = {name: statistics.median(result.cpu) * 1000 for name, result in self.results.items()}
        listed = ", ".join(f"{name} {milliseconds:.2f} ms" for name, milliseconds in cpu.items())
        added = self.added_seconds * 1000
        return f"CPU of a request: {listed}. The guard and its SELECT add {added:.2f} ms to the bare view."


def measure_guard(clients: int, rounds: int, seconds: float) -> GuardCost:
    """Let the bare view, the guarded one and one of Keyturn's own take turns under the same settings."""
    with ExitStack() as stack:
        database = stack.enter_context(created("guard"))
        guarded = start_keyturn(stack, database, {}, "guarded:app")
        bare = stack.enter_context(serving("bare:app", dict(os.environ)))
        tokens = [sign_up(guarded, number)["accessToken"] for number in range(clients)]
        targets = {
            _BARE: Target(bare, Wire("/orders", method="GET"), tokens),
            _GUARDED: Target(guarded, Wire("/orders", method="GET"), tokens),
            _ACCOUNT: Target(guarded, Wire("/auth/me", method="GET"), tokens),
        }
        for target in targets.values():
            target.load(0.5)
        return GuardCost(alternate(targets, rounds, seconds))
