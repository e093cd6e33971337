"""Time, as a thing that is passed in. The only place that asks the machine what time it is."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        return datetime.now(UTC)


class FrozenClock:
    """A clock that stands still until it is moved, backwards too. For tests and rehearsals."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """Return the moment the clock was last set to."""
        return self._now

    def advance(self, step: timedelta) -> None:
        """Move by `step`; a negative one moves back."""
        self._now += step
