"""A TCP proxy that loses answers or requests on purpose; it speaks one request per connection."""

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto

DELAY_SECONDS = 0.3


class Fault(Enum):
    """CUT_ANSWER loses what the service has already done; CUT_REQUEST lets it read half a request."""

    NONE = auto()
    CUT_ANSWER = auto()
    CUT_REQUEST = auto()
    DELAY = auto()


Plan = Callable[[str], Fault]


def seeded_plan(seed: int, shares: dict[Fault, float], path: str = "/auth/refresh-token") -> Plan:
    """Draw a fault for each request to `path` with the given probabilities; others pass untouched."""
    dice = random.Random(seed)
    faults = [*shares, Fault.NONE]
    weights = [*shares.values(), 1 - sum(shares.values())]
    return lambda requested: dice.choices(faults, weights)[0] if requested == path else Fault.NONE


class Proxy:
    """Forwards to a port of this machine; `injected` counts the faults."""

    def __init__(self, upstream_port: int, plan: Plan) -> None:
        self.injected = dict.fromkeys(Fault, 0)
        self.port = 0
        self._upstream_port = upstream_port
        self._plan = plan
        self._is_ready = threading.Event()
        self._is_over = asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()
        self._is_ready.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._is_over.set)
        self._thread.join()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        self._is_ready.set()
        await self._is_over.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read_request(reader)
            fault = self._plan(request.split(b" ", 2)[1].decode())
            self.injected[fault] += 1
            answer = await self._forward(request, fault)
            if fault in {Fault.NONE, Fault.DELAY}:
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # Either side hung up, which for a proxy is business as usual.
        finally:
            writer.close()

    async def _forward(self, request: bytes, fault: Fault) -> bytes:
        if fault is Fault.DELAY:
            await asyncio.sleep(DELAY_SECONDS)
        reader, writer = await asyncio.open_connection("127.0.0.1", self._upstream_port)
        try:
            if fault is Fault.CUT_REQUEST:
                writer.write(request[: -len(request) // 8])
                await writer.drain()
                return b""
            writer.write(request)
            return await reader.read()
        finally:
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [
        line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
    ]
    return head + await reader.readexactly(int(lengths[0]) if lengths else 0)


@contextmanager
def lossy_proxy(upstream_port: int, plan: Plan) -> Iterator[Proxy]:
    """Run a proxy in a thread of its own until the block ends."""
    proxy = Proxy(upstream_port, plan)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
