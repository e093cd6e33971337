"""A small service that speaks the wire of the driver, with a rotation that is right, racy or forked.

It exists to show that driver and checker find the two classical mistakes; it keeps everything in memory.
"""

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from flask import Flask, request
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.reliability.checker import FinalRow

GRACE_SECONDS = 0.5
_THINKING_SECONDS = 0.002


class Rotation(StrEnum):
    """CORRECT compares and swaps; RACY selects, then updates; FORKED gives a repeat a line of its own."""

    CORRECT = "correct"
    RACY = "racy"
    FORKED = "forked"


@dataclass(frozen=True)
class Row:
    """A session; `spent` has each superseded token with the moment at which that happened."""

    generation: int
    token: str
    spent: tuple[tuple[str, float], ...] = ()
    is_revoked: bool = False

    def is_repeat(self, token: str, now: float) -> bool:
        return any(token == spent and now - at <= GRACE_SECONDS for spent, at in self.spent)

    def rotated(self, successor: str, now: float) -> "Row":
        return Row(self.generation + 1, successor, (*self.spent, (self.token, now)))


class Store:
    """One table of rows with a conditional update, which is all that rotation needs from a database."""

    def __init__(self, rotation: Rotation) -> None:
        self.rows: dict[str, Row] = {}
        self.forks: dict[str, Row] = {}
        self._rotation = rotation
        self._lock = threading.Lock()

    def login(self) -> str:
        session = secrets.token_hex(8)
        token = _mint(session, 1)
        self.rows[session] = Row(1, token)
        return token

    def find(self, token: str) -> tuple[str, Row] | None:
        session = str(_claims(token)["sid"])
        row = self.forks.get(token) or self.rows.get(session)
        return (session, row) if row and not row.is_revoked else None

    def refresh(self, token: str) -> str | None:
        """Exchange a token for its successor; None refuses."""
        while found := self.find(token):
            session, row = found
            if row.is_repeat(token, time.monotonic()):
                return row.token if self._rotation is not Rotation.FORKED else self._fork(session, row)
            if token != row.token:
                self._swap(session, row, replace(row, is_revoked=True))
                return None
            successor = _mint(session, row.generation + 1)
            time.sleep(_THINKING_SECONDS)
            if self._swap(session, row, row.rotated(successor, time.monotonic())):
                return successor
        return None

    def _swap(self, session: str, expected: Row, new: Row) -> bool:
        with self._lock:
            if expected.token in self.forks:
                self.forks[new.token] = self.forks[expected.token] = new
            elif self._rotation is Rotation.RACY or self.rows[session] == expected:
                self.rows[session] = new
            else:
                return False
            return True

    def _fork(self, session: str, row: Row) -> str:
        token = _mint(session, row.generation)
        self.forks[token] = Row(row.generation, token)
        return token


def _mint(session: str, generation: int) -> str:
    claims = {"sid": session, "gen": generation, "proof": secrets.token_hex(8)}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"unsigned.{payload}.token"


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def reference_app(store: Store) -> Flask:
    """The five routes that the driver uses; the access token is the refresh token, which is enough here."""
    app = Flask(__name__)

    def pair(token: str) -> dict[str, str]:
        return {"accessToken": token, "refreshToken": token}

    def refresh() -> tuple[dict[str, str], int]:
        token = store.refresh(request.get_json()["refreshToken"])
        return (pair(token), 200) if token else ({}, 401)

    def me() -> tuple[dict[str, str], int]:
        return {}, 200 if store.find(request.headers["Authorization"].partition(" ")[2]) else 401

    def login() -> dict[str, str]:
        return pair(store.login())

    routes: dict[str, tuple[str, Callable[[], Any]]] = {
        "/auth/signup": ("POST", login),
        "/auth/refresh-token": ("POST", refresh),
        "/auth/me": ("GET", me),
    }
    for path, (method, view) in routes.items():
        app.add_url_rule(path, view_func=view, methods=[method])
    return app


class _Silent(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep the test's output to its figures."""


@dataclass(frozen=True)
class ReferenceServer:
    port: int
    store: Store

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def final_rows(self) -> dict[str, FinalRow]:
        return {session: FinalRow(row.generation, row.is_revoked) for session, row in self.store.rows.items()}


@contextmanager
def reference_server(rotation: Rotation) -> Iterator[ReferenceServer]:
    """Serve on a free port from a thread until the block ends."""
    store = Store(rotation)
    server = make_server("127.0.0.1", 0, reference_app(store), threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield ReferenceServer(server.server_port, store)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
