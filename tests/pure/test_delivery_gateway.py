"""SMS through a real HTTP server on loopback."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.delivery import Channel, DeliveryFailed, HttpGatewaySender, Message, sms_sender
from tests.reliability.server import free_port

MESSAGE = Message(recipient="+15550100", subject="", text="Code 493817 ✓", channel=Channel.SMS)


@pytest.fixture(autouse=True)
def direct_connection(monkeypatch):
    """A proxy of the machine the tests run on must not see loopback traffic."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@contextlib.contextmanager
def gateway(status: int, location: str | None = None) -> Iterator[tuple[str, list]]:
    """Run a gateway that answers `status`; yields its address and the requests it saw."""
    requests: list = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            requests.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(status, "refused +15550100")
            if location:
                self.send_header("Location", location)
            self.end_headers()

        do_GET = do_POST  # noqa: N815 (the name http.server looks for)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_sms_is_posted_as_json_with_the_bearer():
    with gateway(202) as (address, requests):
        sms_sender(f"http://t0ken@{address}/send?from=keyturn").send(MESSAGE)
    [(path, headers, body)] = requests
    assert path == "/send?from=keyturn"
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["Content-Type"] == "application/json"
    assert body == {"to": "+15550100", "text": "Code 493817 ✓"}


def test_without_userinfo_no_authorization_is_sent():
    with gateway(200) as (address, requests):
        sms_sender(f"http://{address}/send").send(MESSAGE)
    assert "Authorization" not in requests[0][1]


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(400, True), (401, True), (408, False), (429, False), (500, False), (503, False)],
)
def test_refusal_fails_without_naming_the_number(status, permanent):
    with gateway(status) as (address, _), pytest.raises(DeliveryFailed) as failed:
        sms_sender(f"http://{address}/").send(MESSAGE)
    assert str(failed.value) == f"HTTP {status}"
    assert failed.value.permanent is permanent
    assert failed.value.__suppress_context__


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_bearer_does_not_follow_a_redirect(status):
    with (
        gateway(200) as (elsewhere, stolen),
        gateway(status, f"http://{elsewhere}/") as (address, _),
        pytest.raises(DeliveryFailed, match=f"HTTP {status}"),
    ):
        sms_sender(f"http://t0ken@{address}/").send(MESSAGE)
    assert stolen == []


def test_absent_gateway_is_a_failed_delivery():
    with pytest.raises(DeliveryFailed, match="ConnectionRefusedError"):
        sms_sender(f"http://127.0.0.1:{free_port()}/").send(MESSAGE)


def test_hanging_gateway_fails_after_the_timeout():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(DeliveryFailed, match="TimeoutError"):
            HttpGatewaySender(url=url, timeout=timedelta(seconds=0.2)).send(MESSAGE)
