"""A server on a port of its own, which for a browser is another origin. It remembers what it was sent."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ForeignOrigin:
    """Lets every page read its answers, and ask with any header. Serves `body` as its own page."""

    def __init__(self) -> None:
        self.received: list[dict[str, str]] = []
        self.body = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        return self.url_at("127.0.0.1")

    def url_at(self, host: str) -> str:
        """Return its address; to a browser, another port is the same site and another host is not."""
        return f"http://{host}:{self._server.server_port}"

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        origin = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                origin.received.append({name.lower(): value for name, value in self.headers.items()})
                self._allow()

            def do_OPTIONS(self) -> None:
                self._allow()

            def _allow(self) -> None:
                self.send_response(200)
                self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin", "*"))
                self.send_header("Access-Control-Allow-Headers", "authorization, x-access-token-type")
                self.send_header("Access-Control-Allow-Credentials", "true")
                content = origin.body.encode()
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


@contextmanager
def foreign_origin() -> Iterator[ForeignOrigin]:
    origin = ForeignOrigin()
    thread = threading.Thread(target=origin.serve)
    thread.start()
    try:
        yield origin
    finally:
        origin.stop()
        thread.join()
