"""Rate limits per address, configured through Flask-Limiter, in Redis or in the process.

One check is one call of the limiting strategy. Flask-Limiter's decorators and request hooks would cost more
than a whole refresh's own Python; see docs/performance.md.
"""

import logging
import math
import threading
import time
from datetime import timedelta
from typing import Any

from flask import Flask
from flask_limiter import Limiter
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import Storage
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.retry import Retry

from app.engine.errors import RateLimited
from app.primitives.clock import SystemClock
from config import RateLimitSettings

_log = logging.getLogger(__name__)
_SWEEP_SECONDS = 60.0
_REDIS_SECONDS = 0.25
# A store that failed is left alone for this long, so that few requests wait for its time limit in vain.
_REST_SECONDS = 5.0


class ProcessStorage(Storage):
    """Counters in this process, without the timer threads of the library's own memory storage."""

    STORAGE_SCHEME = ["process"]  # noqa: RUF012 - the library's declaration

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **options: Any) -> None:  # noqa: FBT001, FBT002 - the library's signature
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._counters: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()
        self._sweep_at = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        """A dictionary does not fail."""
        return StorageError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count and return the count of the running window, which ends `expiry` seconds after it began."""
        now = time.monotonic()
        with self._lock:
            if now >= self._sweep_at:
                self._counters = {name: item for name, item in self._counters.items() if item[1] > now}
                self._sweep_at = now + _SWEEP_SECONDS
            count, ends = self._counters.get(key, (0, 0.0))
            if ends <= now:
                count, ends = 0, now + expiry
            self._counters[key] = (count + amount, ends)
            return count + amount

    def get(self, key: str) -> int:
        """Return the count of the running window."""
        count, ends = self._counters.get(key, (0, 0.0))
        return count if ends > time.monotonic() else 0

    def get_expiry(self, key: str) -> float:
        """Return when the running window ends, on the wall clock as the library wants it."""
        _, ends = self._counters.get(key, (0, 0.0))
        return SystemClock().now().timestamp() + max(0.0, ends - time.monotonic())

    def check(self) -> bool:
        """Answer that the storage works."""
        return True

    def reset(self) -> int:
        """Forget everything and return how many counters there were."""
        with self._lock:
            count = len(self._counters)
            self._counters = {}
            return count

    def clear(self, key: str) -> None:
        """Forget one counter."""
        with self._lock:
            self._counters.pop(key, None)


class Limits:
    """The configured limits by name. Without Redis, or while it is away, each process counts for itself."""

    def __init__(self, app: Flask, settings: RateLimitSettings) -> None:
        self._items: dict[str, list[RateLimitItem]] = {
            name: parse_many(notation)
            for name in ("login", "signup", "refresh", "password")
            if (notation := getattr(settings, name)) is not None
        }
        redis_url = settings.redis_url.reveal() if settings.redis_url else None
        self._shared = _limiter(app, redis_url) if redis_url else None
        self._local = _limiter(app, "process://")
        self._is_lost = False
        self._ask_again_at = 0.0

    def check(self, name: str, address: str) -> None:
        """Count one request under the named limit.

        Raises:
            RateLimited: with the time until the window ends.
        """
        for item in self._items.get(name, ()):
            ends_at = self._count(item, name, address)
            if ends_at is not None:
                wait = max(1, math.ceil(ends_at - SystemClock().now().timestamp()))
                raise RateLimited(timedelta(seconds=wait), f"{name}: {item}")

    def is_shared(self) -> bool | None:
        """Tell whether the shared store takes counts; None when there is none configured."""
        if self._shared is None:
            return None
        try:
            # A store that is full or busy with a script still answers a ping.
            self._shared.storage.incr("readyz", 1)
        except StorageError as error:
            self._lose(error)
            return False
        self._find_again()
        return True

    def _count(self, item: RateLimitItem, name: str, address: str) -> float | None:
        """Count one request where that is possible; returns when the window ends if it was one too many."""
        if self._shared is not None and self._may_ask():
            try:
                ends_at = _hit(self._shared, item, name, address)
            except StorageError as error:
                self._lose(error)
            else:
                self._find_again()
                return ends_at
        return _hit(self._local, item, name, address)

    def _may_ask(self) -> bool:
        if not self._is_lost:
            return True
        now = time.monotonic()
        if now < self._ask_again_at:
            return False
        # Whoever comes first finds out for all.
        self._ask_again_at = now + _REST_SECONDS
        return True

    def _lose(self, error: Exception) -> None:
        self._ask_again_at = time.monotonic() + _REST_SECONDS
        if not self._is_lost:
            self._is_lost = True
            _log.warning("the shared limit store is away, limits count per process: %s", type(error).__name__)

    def _find_again(self) -> None:
        if self._is_lost:
            self._is_lost = False
            _log.warning("the shared limit store is back, limits are shared again")


def _hit(limiter: Limiter, item: RateLimitItem, name: str, address: str) -> float | None:
    if limiter.limiter.hit(item, name, address):
        return None
    return limiter.limiter.get_window_stats(item, name, address).reset_time


def _limiter(app: Flask, storage_uri: str) -> Limiter:
    """Build a limiter whose request hooks stay out of the way: limits are checked where they apply."""
    options: dict[str, Any] = {}
    if storage_uri.startswith("unix"):
        # The limits library's own name for what everybody else calls a Redis behind a unix socket.
        storage_uri = f"redis+{storage_uri}"
    if storage_uri.startswith("redis"):
        time_limits = {"socket_timeout": _REDIS_SECONDS, "socket_connect_timeout": _REDIS_SECONDS}
        # A connection that was dropped is made anew at once; a store that did not answer in time is not
        # asked again by the same request.
        options = {**time_limits, "retry": Retry(NoBackoff(), 1, supported_errors=(ConnectionLost,))}
        if storage_uri.startswith("redis+sentinel"):
            # Another sentinel is asked where one does not answer. A replica is never asked: it may lag.
            asked_once = {**time_limits, "retry": Retry(NoBackoff(), 0)}
            options |= {"sentinel_kwargs": asked_once, "use_replicas": False}
    limiter = Limiter(
        key_func=lambda: "",
        storage_uri=storage_uri,
        storage_options={**options, "wrap_exceptions": True},
        strategy="fixed-window",
    )
    # Flask-Limiter adds its hooks only to an application that does not list it yet.
    app.extensions.setdefault("limiter", set()).add(limiter)
    limiter.init_app(app)
    return limiter
