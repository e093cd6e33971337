"""The real service under gunicorn on a free port, with means to stop, restart and wound it."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
_LIMITS = ("LOGIN", "SIGNUP", "REFRESH", "PASSWORD")
_START_SECONDS = 30


ServerFor = Callable[[str, int], "Server"]


class Server:
    """A gunicorn master with its workers; the same port and database across restarts."""

    def __init__(self, database_url: str, settings: Mapping[str, str], workers: int, directory: Path) -> None:
        self.environment = service_environment(database_url, settings)
        self.database_url = database_url
        self.port = _free_port()
        self._workers = workers
        self._log = directory / "gunicorn.log"
        self._master: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def flask(self, *arguments: str) -> str:
        """Run one of the service's commands and return what it printed."""
        return run_flask(self.environment, *arguments)

    def start(self) -> None:
        """Return when the service answers; raises RuntimeError with the end of its log when it does not."""
        options = ["-c", "gunicorn.conf.py", "-b", f"127.0.0.1:{self.port}", "-w", str(self._workers)]
        with self._log.open("ab") as log:
            self._master = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", *options, "wsgi:app"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_healthy():
            if self._master.poll() is not None or time.monotonic() > deadline:
                message = f"the service did not start:\n{self._log.read_text()[-4000:]}"
                raise RuntimeError(message)
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask for a graceful end, as an operator does."""
        if self._master and self._master.poll() is None:
            self._master.terminate()
            try:
                self._master.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """SIGKILL the master and all workers at once."""
        if self._master and self._master.poll() is None:
            os.killpg(self._master.pid, signal.SIGKILL)
            self._master.wait()

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill_a_worker(self, dice: random.Random) -> None:
        """SIGKILL one worker; gunicorn puts another in its place."""
        if workers := self._worker_ids():
            os.kill(dice.choice(workers), signal.SIGKILL)

    def _worker_ids(self) -> list[int]:
        if self._master is None:
            return []
        children = Path(f"/proc/{self._master.pid}/task/{self._master.pid}/children")
        return [int(child) for child in children.read_text().split()]

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.base_url}/healthz", timeout=1) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except (urllib.error.URLError, OSError):
            return False


def run_flask(environment: Mapping[str, str], *arguments: str) -> str:
    """Run a command of the service; raises RuntimeError with what it printed when it fails."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        message = f"flask {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}"
        raise RuntimeError(message)
    return done.stdout


def migrate(environment: Mapping[str, str]) -> None:
    run_flask(environment, "db", "upgrade")


def service_environment(database_url: str, settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with the test's settings in place of any KEYTURN_ ones."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KEYTURN_")}
    return {
        **inherited,
        "KEYTURN_ENV": "development",
        "KEYTURN_SECRET_KEY": "reliability-tests-only-" + "k" * 32,
        "KEYTURN_DATABASE_URL": database_url,
        "KEYTURN_ACCESS_TOKEN_TYPE": "client",
        # Hashing is not what is tried here, and a person of these tests may mistype.
        "KEYTURN_PASSWORD_ARGON2_MEMORY_KIB": "1024",
        "KEYTURN_PASSWORD_ARGON2_ITERATIONS": "1",
        "KEYTURN_LOGIN_ATTEMPTS": "100",
        **{f"KEYTURN_RATE_LIMIT_{limit}": "off" for limit in _LIMITS},
        **settings,
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_server(
    database_url: str, settings: Mapping[str, str] | None = None, workers: int = 2
) -> Iterator[Server]:
    """Migrate the database, serve until the block ends, and leave no process behind."""
    with TemporaryDirectory(prefix="keyturn-server-") as directory:
        server = Server(database_url, settings or {}, workers, Path(directory))
        migrate(server.environment)
        try:
            server.start()
            yield server
        finally:
            server.stop()
            server.kill()
