"""Database servers of our own, on ports and in directories of their own, that a test may kill."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import pymysql  # type: ignore[import-untyped]
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from tests.reliability.databases import is_absent
from tests.reliability.server import free_port

_START_SECONDS = 60


class PostgresCluster:
    """A PostgreSQL server whose data directory may outlive many of its processes."""

    def __init__(self, directory: Path, options: Mapping[str, str]) -> None:
        self.port = free_port()
        self.directory = directory
        self.options = dict(options)
        self._log = directory.with_suffix(".log")

    @classmethod
    @contextmanager
    def running(cls, **options: str) -> Iterator[Self]:
        """Make a cluster with a database `keyturn`, start it, and remove everything at the end."""
        with directory_for("postgres") as directory:
            cluster = cls(directory / "data", options)
            cluster.run("initdb", "--username", "keyturn", "--auth", "trust", "--no-sync")
            with cluster.serving():
                cluster.administer("CREATE DATABASE keyturn")
                yield cluster

    @contextmanager
    def serving(self) -> Iterator[Self]:
        self.start()
        try:
            yield self
        finally:
            with suppress(subprocess.CalledProcessError):
                self.stop("immediate")

    def standby(self, directory: Path) -> "PostgresCluster":
        """Copy this cluster while it runs; the copy follows it once started."""
        copy = PostgresCluster(directory, self.options)
        source = f"host=127.0.0.1 port={self.port} user=keyturn application_name=standby"
        copy.run("pg_basebackup", "--write-recovery-conf", "--checkpoint=fast", "--dbname", source)
        return copy

    def url(self, database: str = "keyturn", port: int | None = None) -> str:
        return f"postgresql+psycopg://keyturn@127.0.0.1:{port or self.port}/{database}"

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs on the data directory, as a user who is not root."""
        command = [*_as_user("postgres"), _binary(program), "--pgdata", str(self.directory), *arguments]
        subprocess.run(command, cwd="/", check=True, capture_output=True, text=True, timeout=60)

    def dump(self, file: Path) -> None:
        """Write a backup of the database as SQL."""
        command = [_binary("pg_dump"), "--dbname", self._uri, "--file", str(file)]
        subprocess.run(command, check=True, timeout=60)

    def restore(self, file: Path) -> None:
        """Read a backup into the database, which must be empty."""
        command = [_binary("psql"), "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", self._uri]
        with file.open() as sql:
            subprocess.run(command, stdin=sql, stdout=subprocess.DEVNULL, check=True, timeout=60)

    @property
    def _uri(self) -> str:
        return f"postgresql://keyturn@127.0.0.1:{self.port}/keyturn"

    def start(self) -> None:
        """Return when it accepts connections; what a killed server leaves behind may take a moment to go."""
        options = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            **self.options,
        }
        given = " ".join(f"-c {name}='{value}'" for name, value in options.items())
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.run("pg_ctl", "start", "--wait", "--log", str(self._log), "--options", given)
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def stop(self, mode: str) -> None:
        """`fast` ends connections and writes everything; `immediate` is a crash by request."""
        self.run("pg_ctl", "stop", "--wait", "--mode", mode)

    def kill(self) -> None:
        """SIGKILL the postmaster: its children find out by themselves."""
        os.kill(int((self.directory / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)

    def promote(self) -> None:
        self.run("pg_ctl", "promote", "--wait")

    def administer(self, statement: str) -> None:
        self.query(statement, database="postgres")

    def query(self, statement: str, database: str = "keyturn") -> list[tuple[object, ...]]:
        """Run one statement past the service and return its rows, if it has any."""
        engine = create_engine(self.url(database), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                result = connection.execute(text(statement))
                return [tuple(row) for row in result] if result.returns_rows else []
        finally:
            engine.dispose()

    def await_true(self, question: str, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while True:
            with suppress(SQLAlchemyError):
                if self.query(question) == [(True,)]:
                    return
            assert time.monotonic() < deadline, question
            time.sleep(0.05)


class MariaDb:
    """A MariaDB server, alone or as a node of a Galera cluster."""

    def __init__(self, directory: Path, options: Mapping[str, str]) -> None:
        self.port = free_port()
        self.directory = directory
        self.options = dict(options)
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def running(cls, **options: str) -> Iterator[Self]:
        """Make a server with a database `keyturn`, start it, and remove everything at the end."""
        with directory_for("mysql") as directory:
            server = cls(directory / "data", options)
            server.install()
            server.start()
            try:
                server.query("CREATE DATABASE keyturn")
                yield server
            finally:
                server.kill()

    def url(self, user: str = "root") -> str:
        return f"mysql+pymysql://{user}@127.0.0.1:{self.port}/keyturn"

    def install(self) -> None:
        self.directory.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self.directory, "mysql")
        options = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        command = [
            require("mariadb-install-db", "mariadb-server"),
            "--no-defaults",
            f"--datadir={self.directory}",
            *options,
        ]
        command += ["--user=mysql"] if os.geteuid() == 0 else []
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    def start(self, *arguments: str) -> None:
        """Return when it answers."""
        self.launch(*arguments)
        self.await_answer()

    def launch(self, *arguments: str) -> None:
        options = {
            "datadir": str(self.directory),
            "port": str(self.port),
            "bind-address": "127.0.0.1",
            "socket": str(self.directory / "socket"),
            "pid-file": str(self.directory / "pid"),
            **self.options,
        }
        command = ["mariadbd", "--no-defaults", *(f"--{name}={value}" for name, value in options.items())]
        command += ["--user=mysql"] if os.geteuid() == 0 else []
        with self.directory.with_suffix(".log").open("ab") as log:
            self._process = subprocess.Popen([*command, *arguments], stdout=log, stderr=log)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def query(self, statement: str) -> list[tuple[object, ...]]:
        connection = pymysql.connect(
            host="127.0.0.1", port=self.port, user="root", autocommit=True, connect_timeout=2
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def await_answer(self, question: str = "SELECT 1", answer: object = 1) -> None:
        deadline = time.monotonic() + _START_SECONDS * 2
        while True:
            with suppress(pymysql.Error):
                if self.query(question) == [(answer,)]:
                    return
            self.assert_alive(deadline)
            time.sleep(0.1)

    def assert_alive(self, deadline: float) -> None:
        """Fail with the end of the log if it has ended, which no waiting makes good, or if the time is up."""
        assert self._process is not None
        is_well = self._process.poll() is None and time.monotonic() < deadline
        assert is_well, self.directory.with_suffix(".log").read_text()[-4000:]


@contextmanager
def directory_for(user: str) -> Iterator[Path]:
    """Yield a directory in which that user of the machine may make others, where we are root."""
    with TemporaryDirectory(prefix="keyturn-faults-") as name:
        directory = Path(name)
        if os.geteuid() == 0:
            shutil.chown(directory, user)
        yield directory


def require(program: str, package: str) -> str:
    """Return where a program is; skips the test, or fails it where services are required."""
    found = _find(program)
    if found is None:
        is_absent(f"{program} is not installed (package {package})")
    return str(found)


def postgresql_programs() -> Path | None:
    """Return the folder of the newest PostgreSQL server's programs, if there is one on this machine.

    Debian keeps those of each version in a place of their own.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    program = found[-1] if found else _find("pg_ctl")
    return Path(program).parent if program else None


def _find(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


def _as_user(user: str) -> list[str]:
    return ["runuser", "-u", user, "--"] if os.geteuid() == 0 else []


def _binary(program: str) -> str:
    return str((postgresql_programs() or Path(require("pg_ctl", "postgresql")).parent) / program)
