"""A Redis master, its replica, and three sentinels that put the replica in the master's place."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import redis

from tests.reliability.redis_server import RedisServer, require_redis

NAME = "keyturn"
_SENTINELS, _QUORUM = 3, 2
_WITHIN_SECONDS = 30
_CONFIGURATION = f"""\
sentinel monitor {NAME} 127.0.0.1 {{port}} {_QUORUM}
sentinel down-after-milliseconds {NAME} 1000
sentinel failover-timeout {NAME} 5000
"""


class Sentinels:
    """Two servers and who watches them."""

    def __init__(self, directory: Path) -> None:
        self.master = RedisServer(directory)
        self.replica = RedisServer(directory, "--replicaof", "127.0.0.1", str(self.master.port))
        self._watchers = [self._watcher(directory / f"{number}.conf") for number in range(_SENTINELS)]

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{watcher.port}" for watcher in self._watchers)
        return f"redis+sentinel://{hosts}/{NAME}"

    def start(self) -> None:
        """Return when every sentinel knows the replica and the others, so that they can decide."""
        for server in self._servers():
            server.start()
        for watcher in self._watchers:
            await_true(lambda watcher=watcher: _company(watcher) == (1, _SENTINELS - 1))

    def stop(self) -> None:
        for server in self._servers():
            server.kill()

    def await_promotion(self) -> None:
        """Return when every sentinel names the replica as the master."""
        for watcher in self._watchers:
            await_true(lambda watcher=watcher: _master_port(watcher) == self.replica.port)

    def _servers(self) -> list[RedisServer]:
        return [self.master, self.replica, *self._watchers]

    def _watcher(self, configuration: Path) -> RedisServer:
        configuration.write_text(_CONFIGURATION.format(port=self.master.port))
        return RedisServer(configuration.parent, str(configuration), "--sentinel")


@contextmanager
def running_sentinels() -> Iterator[Sentinels]:
    """Serve until the block ends; a sentinel is a mode of redis-server and needs no other program."""
    require_redis()
    with TemporaryDirectory(prefix="keyturn-sentinels-") as directory:
        servers = Sentinels(Path(directory))
        try:
            servers.start()
            yield servers
        finally:
            servers.stop()


def await_true(condition: Callable[[], bool]) -> None:
    """Return when it holds; a server that does not answer is asked again."""
    deadline = time.monotonic() + _WITHIN_SECONDS
    while True:
        with suppress(redis.RedisError):
            if condition():
                return
        assert time.monotonic() < deadline, "the sentinels did not come to it"
        time.sleep(0.05)


def _master_port(watcher: RedisServer) -> int:
    _, port = watcher.order("SENTINEL GET-MASTER-ADDR-BY-NAME", NAME)
    return int(port)


def _company(watcher: RedisServer) -> tuple[int, int]:
    """Return how many replicas and how many other sentinels one knows."""
    state = watcher.order("SENTINEL MASTER", NAME)
    return int(state["num-slaves"]), int(state["num-other-sentinels"])
