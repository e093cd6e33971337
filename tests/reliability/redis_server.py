"""A Redis server of a test's own, which can be killed, frozen, filled and kept busy."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

import redis

from tests.reliability.databases import is_absent
from tests.reliability.server import free_port

_START_SECONDS = 30
_BUSY_AFTER_MILLISECONDS = 10


class RedisServer:
    """One server on a free port that keeps nothing on disk; `more` goes before its options."""

    def __init__(self, directory: Path, *more: str) -> None:
        self.port = free_port()
        self._directory = directory
        # Several servers may share a directory.
        self._socket = directory / f"{self.port}.sock"
        self._more = more
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def socket_url(self) -> str:
        return f"unix://{self._socket}"

    def start(self) -> None:
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "unixsocket": self._socket,
            "save": "",
            "dir": self._directory,
            "busy-reply-threshold": _BUSY_AFTER_MILLISECONDS,
        }
        arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        self._process = subprocess.Popen(["redis-server", *self._more, *arguments], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, "redis-server did not start"
            time.sleep(0.02)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to this server and no other."""
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, number)

    def order(self, *command: str | int) -> Any:
        with self._client() as client:
            return client.execute_command(*command)

    def keep_busy(self) -> None:
        """Run a script that does not end by itself."""

        def loop() -> None:
            with suppress(redis.RedisError), self._client(seconds=60) as client:
                client.eval("while true do end", 0)

        threading.Thread(target=loop, daemon=True).start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_busy():
            assert time.monotonic() < deadline, "the script did not start"
            time.sleep(0.02)

    def _is_busy(self) -> bool:
        """Whether it answers everything with the word that a script runs."""
        try:
            self.order("PING")
        except redis.ResponseError as error:
            return str(error).startswith("BUSY")
        return False

    def _answers(self) -> bool:
        with suppress(redis.RedisError), self._client() as client:
            return bool(client.ping())
        return False

    def _client(self, seconds: float = 2) -> redis.Redis:
        return redis.Redis(port=self.port, socket_timeout=seconds, socket_connect_timeout=seconds)


def require_redis() -> None:
    """Skip the test, or fail it where services are required, if there is no server to run."""
    if which("redis-server") is None:
        is_absent("there is no redis-server")


@contextmanager
def running_redis() -> Iterator[RedisServer]:
    """Serve until the block ends; skips the test where there is no redis-server to run."""
    require_redis()
    with TemporaryDirectory(prefix="keyturn-redis-") as directory:
        server = RedisServer(Path(directory))
        try:
            server.start()
            yield server
        finally:
            server.kill()
