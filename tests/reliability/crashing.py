"""A service that dies at a chosen database call.

It runs in a forked child, so that what follows a crash is a restart. The fault is in the database drivers,
before each call; the product knows nothing of it.
"""

import importlib
import multiprocessing
import os
import sqlite3
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from typing import Any

import psycopg
import pymysql  # type: ignore[import-untyped]
from flask import Flask
from sqlalchemy import Engine, event

from tests.reliability.driver import Pair

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


def _serve(pipe: Pipe, app: Flask, point: CrashPoint) -> None:
    """Answer requests, each with the point at which to die, until killed."""
    client = app.test_client()
    while True:
        request, crash_at = pipe.recv()
        point.arm(crash_at)
        answer = client.open(**request)
        point.pass_by()
        pipe.send({"status": answer.status_code, "body": answer.get_json(silent=True) or {}})


class Service:
    """A service in a forked process, started anew when the last one has died.

    It is built once, before the forks, which is most of the time of a start; it meets the database in the
    child and nowhere else.
    """

    def __init__(self) -> None:
        self._point = CrashPoint()
        self._point.install()
        self._app: Flask = importlib.import_module("wsgi").app
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
        self._process = _FORK.Process(target=_serve, args=(theirs, self._app, self._point), daemon=True)
        self._process.start()
        theirs.close()
