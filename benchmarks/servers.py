"""gunicorn under measurement: the same settings for every contender, its CPU and memory read from /proc."""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "benchmarks" / "peers"
WORKERS, THREADS = 2, 8
_START_SECONDS = 30.0
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A master and its workers."""

    pid: int
    port: int

    def cpu_seconds(self) -> float:
        """Return user and system time of the master and its workers so far."""
        return sum(cpu_seconds(pid) for pid in [self.pid, *self._workers()])

    def memory_per_worker(self) -> float:
        """Return the mean resident size of a worker in MiB, libraries that workers share counted in each."""
        sizes = [_resident_bytes(pid) for pid in self._workers()]
        return sum(sizes) / len(sizes) / 2**20

    def _workers(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def post(self, path: str, body: dict[str, str]) -> tuple[int, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


@contextmanager
def serving(
    application: str, environment: dict[str, str], interpreter: Path | str = sys.executable
) -> Iterator[Server]:
    """Serve a WSGI application on a free port until the block ends.

    Raises:
        RuntimeError: the server ended or did not answer within half a minute.
    """
    port = _free_port()
    command = _command(str(interpreter), application, port)
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _await_answer(process, port, log)
            yield Server(process.pid, port)
        finally:
            process.terminate()
            process.wait(timeout=40)


def _command(interpreter: str, application: str, port: int) -> list[str]:
    shared = ["--config", str(ROOT / "gunicorn.conf.py")]
    fixed = ["--worker-class", "gthread", "--workers", str(WORKERS), "--threads", str(THREADS)]
    place = ["--bind", f"127.0.0.1:{port}", "--pythonpath", f"{PEERS},{ROOT}"]
    # Without this, two gunicorns of one account quarrel over one control socket.
    quiet = ["--no-control-socket", "--log-level", "warning"]
    return [interpreter, "-m", "gunicorn", *shared, *fixed, *place, *quiet, application]


def _await_answer(process: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            log.seek(0)
            raise RuntimeError(f"gunicorn ended: {log.read().decode()[-2000:]}")
        if _answers(port):
            return
        time.sleep(0.1)
    raise RuntimeError("gunicorn does not answer")


def _answers(port: int) -> bool:
    """Tell whether a worker answers; the master listens before any of them has loaded the application."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def cpu_seconds(pid: int) -> float:
    """Return user and system time of one process so far."""
    # The command name in brackets may hold spaces, so fields are counted from the last bracket.
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def _resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
