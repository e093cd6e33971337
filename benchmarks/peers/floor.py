"""The floor: the least a rotating refresh can do in one Flask view, written by hand for one database.

Verify, one conditional UPDATE … RETURNING, one SELECT, sign, answer. No grace period, no reuse detection, no
limits, no second token key: it is not a product, it is what a product is measured against.
"""

import base64
import hmac
import os
import sqlite3
import threading
import time
import uuid
from typing import Protocol

import jwt
from flask import Flask, request
from flask.typing import ResponseReturnValue
from psycopg_pool import ConnectionPool

_KEY = b"a key that only ever signs tokens of a benchmark"
_BUSY_SECONDS = 10.0
_CREATE_USERS = "CREATE TABLE users (id {serial} PRIMARY KEY, email TEXT NOT NULL, role TEXT NOT NULL)"
_CREATE_SESSIONS = """
CREATE TABLE sessions (
    id {uuid} PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    generation BIGINT NOT NULL,
    rotated_at DOUBLE PRECISION NOT NULL,
    revoked_at DOUBLE PRECISION
)
"""
_SCHEMA = (_CREATE_USERS, _CREATE_SESSIONS)
_ROTATE = (
    "UPDATE sessions SET generation = generation + 1, rotated_at = {0}"
    " WHERE id = {0} AND generation = {0} AND revoked_at IS NULL RETURNING user_id"
)
_SELECT_USER = "SELECT email, role FROM users WHERE id = {0}"
_INSERT_USER = "INSERT INTO users (id, email, role) VALUES ({0}, {0}, 'user')"
_INSERT_SESSION = "INSERT INTO sessions VALUES ({0}, {0}, 1, {0}, NULL)"

User = tuple[int, str, str]


class Store(Protocol):
    def rotate(self, session: uuid.UUID, generation: int) -> User | None: ...

    def log_in(self, count: int) -> list[uuid.UUID]: ...


class PostgresqlStore:
    """A psycopg pool in autocommit: every statement is one round trip and one transaction."""

    _rotate = _ROTATE.format("%s")
    _select_user = _SELECT_USER.format("%s")

    def __init__(self, url: str) -> None:
        self._pool = ConnectionPool(url, min_size=1, max_size=4, kwargs={"autocommit": True}, open=True)

    def rotate(self, session: uuid.UUID, generation: int) -> User | None:
        with self._pool.connection() as connection:
            rotated = connection.execute(self._rotate, (time.time(), session, generation)).fetchone()
            if rotated is None:
                return None
            user = connection.execute(self._select_user, rotated).fetchone()
        return None if user is None else (rotated[0], *user)

    def log_in(self, count: int) -> list[uuid.UUID]:
        sessions = [uuid.uuid4() for _ in range(count)]
        with self._pool.connection() as connection, connection.cursor() as cursor:
            for statement in _SCHEMA:
                cursor.execute(statement.format(serial="BIGINT", uuid="UUID"))
            for number, session in enumerate(sessions, 1):
                cursor.execute(_INSERT_USER.format("%s"), (number, f"user{number}@example.org"))
                cursor.execute(_INSERT_SESSION.format("%s"), (session, number, time.time()))
        self._pool.close()
        return sessions


class SqliteStore:
    """One autocommit connection a thread, in WAL mode, every swap durable like Keyturn's."""

    _rotate = _ROTATE.format("?")
    _select_user = _SELECT_USER.format("?")

    def __init__(self, path: str) -> None:
        self._path = path
        self._local = threading.local()

    def rotate(self, session: uuid.UUID, generation: int) -> User | None:
        connection = self._connection()
        # An UPDATE … RETURNING ends, and is committed, only when all of its rows have been taken.
        rotated = connection.execute(self._rotate, (time.time(), session.bytes, generation)).fetchall()
        if not rotated:
            return None
        user = connection.execute(self._select_user, rotated[0]).fetchone()
        return None if user is None else (rotated[0][0], *user)

    def log_in(self, count: int) -> list[uuid.UUID]:
        connection, sessions = self._connection(), [uuid.uuid4() for _ in range(count)]
        for statement in _SCHEMA:
            connection.execute(statement.format(serial="INTEGER", uuid="BLOB"))
        for number, session in enumerate(sessions, 1):
            connection.execute(_INSERT_USER.format("?"), (number, f"user{number}@example.org"))
            connection.execute(_INSERT_SESSION.format("?"), (session.bytes, number, time.time()))
        return sessions

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, isolation_level=None, timeout=_BUSY_SECONDS)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            self._local.connection = connection
        return connection


def open_store(url: str) -> Store:
    """Open `postgresql://…` or the path of a SQLite file."""
    return PostgresqlStore(url) if url.startswith("postgresql://") else SqliteStore(url)


def write_token(session: uuid.UUID, generation: int) -> str:
    payload = session.bytes + generation.to_bytes(8, "big")
    return base64.urlsafe_b64encode(payload + hmac.digest(_KEY, payload, "sha256")).decode()


def read_token(token: str) -> tuple[uuid.UUID, int] | None:
    raw = base64.urlsafe_b64decode(token)
    payload, mac = raw[:24], raw[24:]
    if not hmac.compare_digest(mac, hmac.digest(_KEY, payload, "sha256")):
        return None
    return uuid.UUID(bytes=payload[:16]), int.from_bytes(payload[16:], "big")


def sign_access_token(user: User, session: uuid.UUID, generation: int) -> str:
    user_id, email, role = user
    now = int(time.time())
    claims = {"sub": str(user_id), "sid": str(session), "gen": generation, "email": email, "role": role}
    times = {"iat": now, "exp": now + 3600, "jti": str(uuid.uuid4()), "type": "access"}
    return jwt.encode(claims | times, _KEY, "HS256")


def create_app() -> Flask:
    app = Flask(__name__)
    store = open_store(os.environ["FLOOR_DATABASE"])

    @app.post("/auth/refresh-token")
    def refresh() -> ResponseReturnValue:
        presented = read_token(request.get_json()["refreshToken"])
        user = presented and store.rotate(*presented)
        if not presented or not user:
            return {"message": "Invalid refresh token"}, 401
        session, generation = presented[0], presented[1] + 1
        access_token = sign_access_token(user, session, generation)
        return {"accessToken": access_token, "refreshToken": write_token(session, generation)}

    return app


def log_in(url: str, count: int) -> list[str]:
    """Create the tables and `count` users with one session each; return their refresh tokens."""
    return [write_token(session, 1) for session in open_store(url).log_in(count)]
