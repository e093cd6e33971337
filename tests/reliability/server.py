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
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.browser.mailbox import Mailbox

ROOT = Path(__file__).resolve().parents[2]
_LIMITS = ("LOGIN", "SIGNUP", "REFRESH", "PASSWORD")
_START_SECONDS = 60
_PLACES: list[socket.socket] = []

ServerFor = Callable[[str, int], "Server"]


class Server:
    """A gunicorn master with its workers; the same port and database across restarts.

    `code` is the checkout that is served; `environment` may be changed between stop and start.
    """

    def __init__(
        self,
        database_url: str,
        settings: Mapping[str, str],
        workers: int,
        directory: Path,
        code: Path = ROOT,
    ) -> None:
        self.mailbox = Mailbox(directory / "mail")
        mail = {"KEYTURN_MAIL_URL": self.mailbox.url}
        self.environment = service_environment(database_url, {**mail, **settings})
        self.database_url = database_url
        self.port = free_port()
        self.code = code
        self._workers = workers
        self._log = directory / "gunicorn.log"
        self._master: subprocess.Popen[bytes] | None = None
        self._upgraded: int | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def flask(self, *arguments: str) -> str:
        """Run one of the service's commands and return what it printed."""
        return run_flask(self.environment, *arguments)

    def start(self) -> None:
        """Return when the service answers; raises RuntimeError with the end of its log when it does not."""
        options = ["-c", "gunicorn.conf.py", "-b", f"127.0.0.1:{self.port}", "-w", str(self._workers)]
        # The script and not `-m gunicorn`: the master starts a new one of itself by its own path (SIGUSR2).
        gunicorn = Path(sys.executable).with_name("gunicorn")
        self._reap()
        self._upgraded = None
        with self._log.open("ab") as log:
            self._master = subprocess.Popen(
                [sys.executable, gunicorn, *options, "wsgi:app"],
                cwd=self.code,
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

    @property
    def master_id(self) -> int:
        """The process that the operator's signals go to."""
        if self._upgraded is not None:
            return self._upgraded
        assert self._master is not None
        return self._master.pid

    def stop(self) -> None:
        """Ask for a graceful end, as an operator does."""
        if self._master is None or not self._is_running():
            return
        os.kill(self.master_id, signal.SIGTERM)
        if not _within(10, lambda: not self._is_running()):
            self.kill()

    def kill(self) -> None:
        """SIGKILL the master and all workers at once."""
        if self._master is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._master.pid, signal.SIGKILL)
        self._master.wait()
        self._upgraded = None

    def kill_master(self) -> None:
        """SIGKILL the master alone and return when its workers have noticed and are gone."""
        workers = self.worker_ids()
        os.kill(self.master_id, signal.SIGKILL)
        _within(10, lambda: not self._is_running() and not any(map(_is_alive, workers)))

    def reload(self) -> None:
        """SIGHUP: return when every worker is a new one."""
        before = set(self.worker_ids())
        os.kill(self.master_id, signal.SIGHUP)
        self._await_workers(self.master_id, before)

    def upgrade(self) -> None:
        """SIGUSR2 and then SIGTERM to the old master: another master, perhaps of new code, takes over."""
        old = self.master_id
        workers = set(self.worker_ids())
        os.kill(old, signal.SIGUSR2)
        _within(_START_SECONDS, lambda: bool(set(_children(old)) - workers))
        (self._upgraded,) = set(_children(old)) - workers
        self._await_workers(self._upgraded, set())
        os.kill(old, signal.SIGTERM)
        _within(_START_SECONDS, lambda: not _is_alive(old))

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill_a_worker(self, dice: random.Random) -> None:
        """SIGKILL one worker; gunicorn puts another in its place."""
        if workers := self.worker_ids():
            os.kill(dice.choice(workers), signal.SIGKILL)

    def worker_ids(self) -> list[int]:
        return _children(self.master_id)

    def _await_workers(self, master: int, before: set[int]) -> None:
        """Wait until only workers from after `before` are left and all of them have started."""

        def are_new() -> bool:
            workers = set(_children(master))
            return len(workers) == self._workers and not workers & before

        if not _within(_START_SECONDS, are_new):
            message = f"the workers were not replaced:\n{self._log.read_text()[-4000:]}"
            raise RuntimeError(message)
        time.sleep(1)

    def _is_running(self) -> bool:
        self._reap()
        return _is_alive(self.master_id)

    def _reap(self) -> None:
        """Take note of the end of a master that we started."""
        if self._master is not None:
            self._master.poll()

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.base_url}/healthz", timeout=1) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except (urllib.error.URLError, OSError):
            return False


def run_flask(environment: Mapping[str, str], *arguments: str, code: Path = ROOT) -> str:
    """Run a command of the service; raises RuntimeError with what it printed when it fails."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
    done = subprocess.run(
        command, cwd=code, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        message = f"flask {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}"
        raise RuntimeError(message)
    return done.stdout


def migrate(environment: Mapping[str, str], code: Path = ROOT) -> None:
    run_flask(environment, "db", "upgrade", code=code)


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


def _children(parent: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    except OSError:
        return []


def _is_alive(process: int) -> bool:
    """Whether it runs; one that has ended and waits to be looked at does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def free_port() -> int:
    """Return a port that nobody else is given for as long as these tests run.

    The socket that found it is kept. It never listens, so a server may share its place: all of ours set
    SO_REUSEADDR, without which neither a bind to any free port nor a connection gets that place.
    """
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind(("127.0.0.1", 0))
    _PLACES.append(place)
    port: int = place.getsockname()[1]
    return port


@contextmanager
def running_server(
    database_url: str, settings: Mapping[str, str] | None = None, workers: int = 2, code: Path = ROOT
) -> Iterator[Server]:
    """Migrate the database, serve until the block ends, and leave no process behind."""
    with TemporaryDirectory(prefix="keyturn-server-") as directory:
        server = Server(database_url, settings or {}, workers, Path(directory), code)
        migrate(server.environment, code)
        try:
            server.start()
            yield server
        finally:
            server.stop()
            server.kill()
