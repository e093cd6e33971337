"""Sends requests in a loop over keep-alive connections, one session each, in a process of its own.

Reads one `Job` as JSON on standard input and writes one `Outcome` as JSON on standard output. It speaks
just enough HTTP to follow a chain of refresh tokens, so that the server under test is what gets measured.
"""

import json
import re
import selectors
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field

# A worker keeps the connections that it happened to accept; connecting anew lets the idler worker take over.
_ANSWERS_PER_CONNECTION = 50

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Wire:
    """How a client presents its token, and where in the answer it finds the next one.

    `sends` is a field of a JSON body; empty, the token is a bearer header's. Without `answers` the same token
    is sent for ever.
    """

    path: str
    sends: str = ""
    answers: str = ""
    method: str = "POST"


@dataclass(frozen=True)
class Job:
    """Ends after `seconds`."""

    port: int
    wire: Wire
    tokens: list[str]
    seconds: float


@dataclass
class Outcome:
    """`latencies` are seconds of answers with 200; `tokens` the newest of each session, in job order."""

    tokens: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)
    elapsed: float = 0.0
    cpu_seconds: float = 0.0


class Client:
    """One session on one connection, with at most one request under way."""

    def __init__(self, port: int, wire: Wire, token: str) -> None:
        self.token = token
        self._address = ("127.0.0.1", port)
        self._wire = wire
        self._head = f"{wire.method} {wire.path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        self._successor = re.compile(rf'"{wire.answers}"\s*:\s*"([^"]+)"'.encode())
        self._received = b""
        self._sent_at = 0.0
        self.connect()

    def connect(self) -> None:
        self._answers = 0
        self.socket = socket.create_connection(self._address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self) -> None:
        self._received = b""
        request = self._request()
        self._sent_at = time.perf_counter()
        self.socket.sendall(request)

    def _request(self) -> bytes:
        if not self._wire.sends:
            authorization = f"Authorization: Bearer {self.token}\r\n"
            length = "" if self._wire.method == "GET" else "Content-Length: 0\r\n"
            return f"{self._head}{authorization}{length}\r\n".encode()
        body = f'{{"{self._wire.sends}":"{self.token}"}}'
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return f"{self._head}{kind}\r\n{body}".encode()

    def receive(self) -> tuple[str, float] | None:
        """Return status and seconds of a complete answer, or None while bytes are missing.

        Raises:
            ConnectionError: the server closed the connection before the answer was complete.
        """
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionResetError
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        length = _CONTENT_LENGTH.search(head)
        if not separator or length is None or len(body) < int(length[1]):
            return None
        taken = time.perf_counter() - self._sent_at
        self._answers += 1
        successor = self._successor.search(body) if self._wire.answers else None
        if successor:
            self.token = successor[1].decode()
        return head[9:12].decode(), taken

    @property
    def is_due_to_reconnect(self) -> bool:
        return self._answers >= _ANSWERS_PER_CONNECTION


class LoadGenerator:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._outcome = Outcome()
        self._selector = selectors.DefaultSelector()
        self._clients = [Client(job.port, job.wire, token) for token in job.tokens]

    def run(self) -> Outcome:
        outcome, started, cpu_started = self._outcome, time.perf_counter(), time.process_time()
        for client in self._clients:
            self._watch(client)
        while time.perf_counter() - started < self._job.seconds:
            for key, _ in self._selector.select(timeout=0.5):
                self._advance(key.data)
        outcome.elapsed = time.perf_counter() - started
        outcome.cpu_seconds = time.process_time() - cpu_started
        self._drain()
        outcome.tokens = [client.token for client in self._clients]
        return outcome

    def _watch(self, client: Client) -> None:
        self._selector.register(client.socket, selectors.EVENT_READ, client)
        client.send()

    def _advance(self, client: Client) -> None:
        try:
            answer = client.receive()
            if answer is None:
                return
            self._count(*answer)
            if client.is_due_to_reconnect:
                self._reconnect(client)
            else:
                client.send()
        except ConnectionError:
            self._refuse("connection closed")
            self._reconnect(client)

    def _reconnect(self, client: Client) -> None:
        self._selector.unregister(client.socket)
        client.socket.close()
        client.connect()
        self._watch(client)

    def _count(self, status: str, taken: float) -> None:
        if status == "200":
            self._outcome.latencies.append(taken)
        else:
            self._refuse(status)

    def _refuse(self, reason: str) -> None:
        self._outcome.refusals[reason] = self._outcome.refusals.get(reason, 0) + 1

    def _drain(self) -> None:
        """Take in the answers under way, uncounted: a chain that missed its successor could not go on."""
        for client in self._clients:
            client.socket.settimeout(10)
            while client.receive() is None:
                continue
            client.socket.close()


def generate(job: Job) -> Outcome:
    """Run a job in a process of its own."""
    command = [sys.executable, __file__]
    described = json.dumps(asdict(job))
    finished = subprocess.run(command, input=described, stdout=subprocess.PIPE, text=True, check=True)
    return Outcome(**json.loads(finished.stdout))


if __name__ == "__main__":
    given = json.load(sys.stdin)
    json.dump(asdict(LoadGenerator(Job(**{**given, "wire": Wire(**given["wire"])})).run()), sys.stdout)
