"""Measures what the check of an access token costs: `GET /auth/me` beside a bare Flask view of that body."""

import os
import statistics
from contextlib import ExitStack
from dataclasses import dataclass

from contenders import sign_up, start_keyturn
from databases import created
from load_generator import Wire
from rounds import Rounds, Target, alternate
from servers import serving

_GUARDED = "guarded view of Keyturn (`GET /auth/me`)"
_UNGUARDED = "unguarded view of Keyturn (`GET /auth/client-config`)"
_BARE = "bare Flask view"


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
    """Let bare, unguarded and guarded views take turns under the same gunicorn settings."""
    with ExitStack() as stack:
        database = stack.enter_context(created("guard"))
        keyturn = start_keyturn(stack, database, {})
        bare = stack.enter_context(serving("bare:app", dict(os.environ)))
        tokens = [sign_up(keyturn, number)["accessToken"] for number in range(clients)]
        targets = {
            _BARE: Target(bare, Wire("/auth/me", method="GET"), tokens),
            _UNGUARDED: Target(keyturn, Wire("/auth/client-config", method="GET"), tokens),
            _GUARDED: Target(keyturn, Wire("/auth/me", method="GET"), tokens),
        }
        for target in targets.values():
            target.load(0.5)
        return GuardCost(alternate(targets, rounds, seconds))
