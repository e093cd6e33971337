"""The floor: the least a rotating refresh can do in one Flask view, written by hand for PostgreSQL.

Verify, one conditional UPDATE … RETURNING, one SELECT, sign, answer. No grace period, no reuse detection, no
limits, no second token key: it is not a product, it is what a product is measured against.
Run as a program it makes the tables and as many users as asked for, and prints a refresh token of each.
"""

import base64
import hmac
import json
import os
import sys
import time
import uuid

import jwt
from flask import Flask, request
from flask.typing import ResponseReturnValue
from psycopg_pool import ConnectionPool

_KEY = b"a key that only ever signs tokens of a benchmark"
_CREATE_USERS = "CREATE TABLE users (id BIGINT PRIMARY KEY, email TEXT NOT NULL, role TEXT NOT NULL)"
_CREATE_SESSIONS = """
CREATE TABLE sessions (
    id UUID PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    generation BIGINT NOT NULL,
    rotated_at DOUBLE PRECISION NOT NULL,
    revoked_at DOUBLE PRECISION
)
"""
_ROTATE = (
    "UPDATE sessions SET generation = generation + 1, rotated_at = %s"
    " WHERE id = %s AND generation = %s AND revoked_at IS NULL RETURNING user_id"
)
_SELECT_USER = "SELECT email, role FROM users WHERE id = %s"

User = tuple[int, str, str]


class Store:
    """A psycopg pool in autocommit: every statement is one round trip and one transaction."""

    def __init__(self, url: str) -> None:
        self._pool = ConnectionPool(url, min_size=1, max_size=8, kwargs={"autocommit": True}, open=True)

    def rotate(self, session: uuid.UUID, generation: int) -> User | None:
        with self._pool.connection() as connection:
            rotated = connection.execute(_ROTATE, (time.time(), session, generation)).fetchone()
            if rotated is None:
                return None
            user = connection.execute(_SELECT_USER, rotated).fetchone()
        return None if user is None else (rotated[0], *user)

    def log_in(self, count: int) -> list[uuid.UUID]:
        sessions = [uuid.uuid4() for _ in range(count)]
        with self._pool.connection() as connection, connection.cursor() as cursor:
            cursor.execute(_CREATE_USERS)
            cursor.execute(_CREATE_SESSIONS)
            for number, session in enumerate(sessions, 1):
                email = f"user{number}@example.org"
                cursor.execute("INSERT INTO users VALUES (%s, %s, 'user')", (number, email))
                cursor.execute(
                    "INSERT INTO sessions VALUES (%s, %s, 1, %s, NULL)", (session, number, time.time())
                )
        self._pool.close()
        return sessions


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
    store = Store(os.environ["BENCHMARK_DATABASE"])

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


def log_in(count: int) -> list[str]:
    """Create the tables and `count` users with one session each; return their refresh tokens."""
    store = Store(os.environ["BENCHMARK_DATABASE"])
    return [write_token(session, 1) for session in store.log_in(count)]


if __name__ == "__main__":
    json.dump(log_in(int(sys.argv[1])), sys.stdout)
