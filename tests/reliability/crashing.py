"""Run as a program: carries out one operation again and again, dying at each database call in turn.

The service runs in a forked child, so that what follows a crash is a restart. The fault is in the database
drivers, before each call; the product knows nothing of it. Prints the history as JSON lines, then one line
with the number of points and what broke.
"""

import importlib
import json
import multiprocessing
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from itertools import count
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from typing import Any

import psycopg
import pymysql  # type: ignore[import-untyped]
from sqlalchemy import Engine, event

from tests.reliability.driver import Pair
from tests.reliability.history import History, Invocation, Operation, Outcome, outcome_of

PASSWORDS = ("correct horse battery staple 7", "a quite different staple 8")
EMAIL = "crash@example.com"
_FORK = multiprocessing.get_context("fork")


class CrashPoint:
    """Counts database calls, once armed, and dies before the one that was asked for.

    Dying after one call is dying before the next; after the last one comes the moment before the answer.
    """

    def __init__(self) -> None:
        self._left = 0

    def arm(self, crash_at: int) -> None:
        self._left = crash_at

    def pass_by(self) -> None:
        self._left -= 1
        if self._left == 0:
            os._exit(1)

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            self.pass_by()
            return call(*arguments, **named)

        return wrapped

    def install(self) -> None:
        """Put itself around every execute and commit of the three drivers."""
        for owner, names in (
            (psycopg.Cursor, ("execute",)),
            (psycopg.Connection, ("commit",)),
            (pymysql.cursors.Cursor, ("execute",)),
            (pymysql.connections.Connection, ("commit",)),
        ):
            for name in names:
                setattr(owner, name, self.around(getattr(owner, name)))
        event.listen(Engine, "do_connect", self._use_crashing_sqlite)

    def _use_crashing_sqlite(self, dialect: Any, _record: object, _arguments: object, named: Any) -> None:
        if dialect.name == "sqlite":
            named["factory"] = _crashing_sqlite(self)


def _crashing_sqlite(point: CrashPoint) -> type[sqlite3.Connection]:
    """The classes of sqlite3 cannot be changed, but a connection may be of a class of one's own."""

    class Cursor(sqlite3.Cursor):
        execute = point.around(sqlite3.Cursor.execute)

    class Connection(sqlite3.Connection):
        commit = point.around(sqlite3.Connection.commit)

        def cursor(self, factory: Any = Cursor) -> Any:
            return super().cursor(factory)

    return Connection


class Answered(dict[str, Any]):
    """Status and body of one answer."""

    @property
    def status(self) -> int:
        return int(self["status"])

    @property
    def pair(self) -> Pair:
        return Pair(self["body"]["accessToken"], self["body"]["refreshToken"])


def _serve(pipe: Pipe) -> None:
    """Start a service and answer requests, each with the point at which to die, until killed."""
    point = CrashPoint()
    point.install()
    client = importlib.import_module("wsgi").app.test_client()
    while True:
        request, crash_at = pipe.recv()
        point.arm(crash_at)
        answer = client.open(**request)
        point.pass_by()
        pipe.send({"status": answer.status_code, "body": answer.get_json(silent=True) or {}})


class Service:
    """A service in a forked process, started anew when the last one has died."""

    def __init__(self) -> None:
        self._process: BaseProcess | None = None

    def ask(
        self, path: str, body: Mapping[str, object] | None = None, *, crash_at: int = 0, access: str = ""
    ) -> Answered | None:
        """Send one request; None when the service died before it answered."""
        request = {
            "path": path,
            "method": "GET" if path == "/auth/me" else "POST",
            "json": body,
            "headers": {"Authorization": f"Bearer {access}"} if access else {},
        }
        if self._process is None:
            self._start()
        self._pipe.send((request, crash_at))
        try:
            return Answered(self._pipe.recv())
        except EOFError:
            self.kill()
            return None

    def kill(self) -> None:
        """SIGKILL: nothing is put in order."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
            self._process = None

    def _start(self) -> None:
        self._pipe, theirs = _FORK.Pipe()
        self._process = _FORK.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()


def credentials(password: str) -> Mapping[str, object]:
    return {"credentials": {"email": EMAIL, "password": password}}


class Scenario:
    """One person with one session, going on after every crash."""

    def __init__(self) -> None:
        self.history = History()
        self.service = Service()
        self.broken: list[str] = []
        self.password, self.other_password = PASSWORDS
        self.pair = self.enter("/auth/signup", {"email": EMAIL, "password": self.password})

    def record(self, operation: Operation, pair: Pair, began_at: float, answer: Answered | None) -> None:
        """Write down one end; a login or refresh that was granted comes with the new pair in the answer."""
        is_grant = (
            operation in {Operation.LOGIN, Operation.REFRESH}
            and answer is not None
            and answer.status == HTTPStatus.OK
        )
        self.history.record(
            Invocation(
                client="owner",
                session=pair.token.session,
                operation=operation,
                began_at=began_at,
                ended_at=time.monotonic(),
                outcome=outcome_of(answer.status) if answer else Outcome.UNKNOWN,
                presented=None if operation is Operation.LOGIN else pair.token,
                received=answer.pair.token if answer and is_grant else None,
                status=answer.status if answer else None,
            )
        )

    def enter(self, path: str, body: Mapping[str, object], crash_at: int = 0) -> Pair:
        """Sign up or log in; a crash leaves the pair as it was."""
        began_at = time.monotonic()
        answer = self.service.ask(path, body, crash_at=crash_at)
        if answer is None:
            return self.pair
        if answer.status != HTTPStatus.OK:
            self.broken.append(f"{path} answered {answer.status}")
            return self.pair
        self.record(Operation.LOGIN, answer.pair, began_at, answer)
        return answer.pair

    def log_in(self, crash_at: int = 0) -> Pair:
        return self.enter("/auth/login", credentials(self.password), crash_at)

    def refresh(self, crash_at: int = 0) -> Answered | None:
        began_at, presented = time.monotonic(), self.pair
        answer = self.service.ask(
            "/auth/refresh-token", {"refreshToken": presented.refresh}, crash_at=crash_at
        )
        self.record(Operation.REFRESH, presented, began_at, answer)
        if answer and answer.status == HTTPStatus.OK:
            self.pair = answer.pair
        return answer

    def use(self) -> Answered | None:
        began_at = time.monotonic()
        answer = self.service.ask("/auth/me", access=self.pair.access)
        self.record(Operation.USE, self.pair, began_at, answer)
        return answer

    def logout(self, crash_at: int = 0) -> Answered | None:
        began_at = time.monotonic()
        answer = self.service.ask("/auth/logout", crash_at=crash_at, access=self.pair.access)
        self.record(Operation.LOGOUT, self.pair, began_at, answer)
        return answer

    def expect(self, status: int, answer: Answered | None, what: str) -> None:
        if answer is None or answer.status != status:
            self.broken.append(f"{what} answered {answer and answer.status}, not {status}")


def crash_login(scenario: Scenario, crash_at: int) -> bool:
    """A login that died is tried again; the session of before is untouched."""
    before = scenario.pair
    answered = scenario.log_in(crash_at)
    scenario.service.kill()
    scenario.pair = scenario.log_in() if answered is before else answered
    scenario.expect(200, scenario.use(), "use after login")
    scenario.expect(200, scenario.logout(), "logout after login")
    scenario.pair = before
    # A refresh also makes it the most recent one, so that the limit of sessions for one person spares it.
    scenario.expect(200, scenario.refresh(), "refresh of the session of before")
    return answered is not before


def crash_refresh(scenario: Scenario, crash_at: int) -> bool:
    """A refresh that died is tried again with the same token."""
    answer = scenario.refresh(crash_at)
    scenario.service.kill()
    if answer is None:
        scenario.expect(200, scenario.refresh(), "refresh after the crash")
    scenario.expect(200, scenario.use(), "use after refresh")
    return answer is not None


def crash_logout(scenario: Scenario, crash_at: int) -> bool:
    """A logout that died is tried again; what was answered holds."""
    answer = scenario.logout(crash_at)
    scenario.service.kill()
    if answer is None:
        scenario.expect(200, scenario.logout(), "logout after the crash")
    scenario.expect(401, scenario.refresh(), "refresh after logout")
    scenario.pair = scenario.log_in()
    return answer is not None


def crash_password_change(scenario: Scenario, crash_at: int) -> bool:
    """Either the password has changed and the sessions are over, or neither is so."""
    began_at = time.monotonic()
    answer = scenario.service.ask(
        "/auth/change-password",
        {"currentPassword": scenario.password, "newPassword": scenario.other_password},
        crash_at=crash_at,
        access=scenario.pair.access,
    )
    scenario.service.kill()
    scenario.record(Operation.PASSWORD_CHANGE, scenario.pair, began_at, answer)
    login = scenario.service.ask("/auth/login", credentials(scenario.other_password))
    has_changed = login is not None and login.status == HTTPStatus.OK
    scenario.expect(401 if has_changed else 200, scenario.refresh(), "refresh after password change")
    if answer is not None and not has_changed:
        scenario.broken.append("an acknowledged password change is not in force")
    if has_changed:
        scenario.password, scenario.other_password = scenario.other_password, scenario.password
        scenario.pair = scenario.log_in()
    return answer is not None


CRASHES: Mapping[str, Callable[[Scenario, int], bool]] = {
    "login": crash_login,
    "refresh": crash_refresh,
    "logout": crash_logout,
    "password_change": crash_password_change,
}


def main(operation: str) -> None:
    """Die at point 1, 2, … until the operation is answered, and then at once after the answer."""
    importlib.import_module("app")  # Imported before the forks, so that they need not import it again.
    scenario = Scenario()
    points = next(point for point in count(1) if CRASHES[operation](scenario, point)) - 1
    lines = [invocation.to_json() for invocation in scenario.history]
    sys.stdout.write("\n".join([*lines, json.dumps({"points": points, "broken": scenario.broken}), ""]))


if __name__ == "__main__":
    main(sys.argv[1])
