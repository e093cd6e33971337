"""A TCP link to a database that delays what it carries, or carries nothing more."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import make_url


class SlowLink:
    """Forwards to a port of this machine; `delay_seconds` and `is_frozen` may change at any time."""

    def __init__(self, upstream_port: int) -> None:
        self.delay_seconds = 0.0
        self.is_frozen = False
        self.port = 0
        self._upstream_port = upstream_port
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._is_ready.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._is_over.set)
        self._thread.join()

    async def _run(self) -> None:
        self._loop, self._is_over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._is_ready.set()
        await self._is_over.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._upstream_port)
        with suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(self._carry(reader, upstream_writer), self._carry(upstream_reader, writer))

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await asyncio.sleep(self.delay_seconds)
                while self.is_frozen:  # noqa: ASYNC110 - set from another thread
                    await asyncio.sleep(0.02)
                target.write(data)
                await target.drain()
        finally:
            target.close()


@contextmanager
def slow_link(database_url: str) -> Iterator[tuple[SlowLink, str]]:
    """Run a link to a database server until the block ends; yields it and the address through it."""
    url = make_url(database_url)
    link = SlowLink(url.port or 0)
    link.start()
    try:
        yield link, url.set(port=link.port).render_as_string(hide_password=False)
    finally:
        link.stop()
