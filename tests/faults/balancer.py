"""A load balancer in front of several hosts, which takes a host out for as long as it restarts."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.reliability.proxy import Fault, Proxy
from tests.reliability.server import Server

_DRAIN_SECONDS = 5


class Balancer(Proxy):
    """Gives each request to the next host in turn."""

    def __init__(self, servers: Sequence[Server]) -> None:
        super().__init__(servers[0].port, lambda _: Fault.NONE)
        self._in_turn = [server.port for server in servers]
        self._open = dict.fromkeys(self._in_turn, 0)

    def take_out(self, server: Server) -> None:
        """Give it no more requests and return when it has answered those it has."""
        self._in_turn = [port for port in self._in_turn if port != server.port]
        deadline = time.monotonic() + _DRAIN_SECONDS
        while self._open[server.port] and time.monotonic() < deadline:
            time.sleep(0.01)

    def put_in(self, server: Server) -> None:
        self._in_turn = [*self._in_turn, server.port]

    def restart_each(self, servers: Sequence[Server], **settings: str) -> None:
        """Restart one host after the other with other settings, each out of turn meanwhile."""
        for server in servers:
            self.take_out(server)
            server.environment.update(settings)
            server.restart()
            self.put_in(server)

    async def _forward(self, request: bytes, _fault: Fault) -> bytes:
        first, *others = self._in_turn
        self._in_turn = [*others, first]
        self._open[first] += 1
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", first)
            try:
                writer.write(request)
                return await reader.read()
            finally:
                writer.close()
        finally:
            self._open[first] -= 1


@contextmanager
def balancing(servers: Sequence[Server]) -> Iterator[Balancer]:
    balancer = Balancer(servers)
    balancer.start()
    try:
        yield balancer
    finally:
        balancer.stop()
