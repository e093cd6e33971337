"""Applications that one test leaves to the next.

A process keeps nothing of what it has served, and making one anew takes longer than most tests.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from limits.storage import RedisStorage

from app import create_app
from app.delivery import DirectOutbox, MemorySender
from app.extensions import db
from app.http.limits import ProcessStorage
from app.primitives.clock import FrozenClock
from config import Settings

_MOST_IDLE = 24


@dataclass(frozen=True)
class Lent:
    """An application and what it was made of."""

    app: Flask
    settings: Settings
    views: dict[str, Callable[..., Any]]


@dataclass
class Applications:
    """Those that nobody uses now, the latest last, with what all of them share."""

    clock: FrozenClock
    outbox: MemorySender
    _idle: list[Lent] = field(default_factory=list)

    def lend(self, settings: Settings) -> Lent:
        """Find an application with exactly these settings, or make it."""
        for place, idle in enumerate(self._idle):
            if idle.settings == settings:
                return self._idle.pop(place)
        app = create_app(settings, clock=self.clock, postbox=DirectOutbox(self.outbox))
        return Lent(app, settings, dict(app.view_functions))

    def take_back(self, lent: Lent) -> None:
        """Leave an application to the next test, without connections and with nothing counted."""
        leave(lent.app)
        assert lent.views == lent.app.view_functions, "a test that changes views asks for `new_app_for`"
        if lent.settings.rate_limits.redis_url is None:
            self._idle.append(lent)
            del self._idle[:-_MOST_IDLE]


def leave(app: Flask) -> None:
    """Close connections, which otherwise the garbage collector would, some day and with a warning."""
    with app.app_context():
        db.engine.dispose()
    for limiter in app.extensions["limiter"]:
        if isinstance(limiter.storage, RedisStorage):
            limiter.storage.storage.close()
        elif isinstance(limiter.storage, ProcessStorage):
            limiter.storage.reset()
