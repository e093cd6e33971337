"""Says what one step of a refresh costs in each way that it could be done, the one that is taken among them.

In one process and in turns, in microseconds of CPU of all its threads; under gunicorn, where caches are
colder, everything takes up to twice as long. `--write docs/performance.md` also puts the table into that
page.
"""

import argparse
import io
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

# Run as a program, only its own folder is on the path.
sys.path.append(str(Path(__file__).resolve().parent.parent))

import jwt
import psycopg
import sqlalchemy
from databases import Database, created
from flask import Flask, jsonify
from flask_jwt_extended import JWTManager, create_access_token, decode_token
from flask_limiter import Limiter
from in_process import Keyturn, filled
from machine import describe_machine, write_section
from sqlalchemy.orm import Session as Transaction

from app import signed_in
from app.engine.database import Database as Pool
from app.http.json_answer import json_answer
from app.http.limits import Limits
from app.models import Session
from app.primitives.signed_json import read_signed, write_signed
from config import RateLimitSettings

_SECTION = "ways"
_SECONDS = timedelta(seconds=5)
_UNLIMITED = "100000000 per minute"
_KEY = b"a key that is long enough for HS256"
_BODY = {"accessToken": "a" * 600, "refreshToken": "r" * 400, "message": "Token refreshed successfully"}
_ENVIRON: dict[str, Any] = {
    "REQUEST_METHOD": "GET",
    "PATH_INFO": "/",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "8000",
    "wsgi.url_scheme": "http",
}

Run = Callable[[], object]


@dataclass(frozen=True)
class Way:
    """One way of doing a step; `is_taken` marks Keyturn's own."""

    name: str
    run: Run
    is_taken: bool = False


@contextmanager
def reading_a_row(keyturn: Keyturn) -> Iterator[list[Way]]:
    """Read four columns of one session by its key, in autocommit."""
    database = keyturn.database
    columns = [Session.id, Session.user_id, Session.generation, Session.last_seen_at]
    statement = sqlalchemy.select(*columns).where(Session.id == sqlalchemy.bindparam("session_id"))
    session_id: UUID = database.rows("SELECT id FROM sessions")[0][0]
    values = {"session_id": session_id}
    with ExitStack() as stack:
        kept = stack.enter_context(psycopg.connect(database.url, autocommit=True)).cursor()
        sql = "SELECT id, user_id, generation, last_seen_at FROM sessions WHERE id = %(session_id)s"
        plain, asking = (_engine(stack, database, pre_ping=pre_ping) for pre_ping in (False, True))
        pool = Pool(_engine(stack, database), asynchronous_rotation=True, answer_limit=_SECONDS)
        prepared = pool.prepare(statement)

        def by_core(engine: sqlalchemy.Engine) -> object:
            with engine.connect() as connection:
                return connection.execute(statement, values).fetchall()

        def by_orm() -> object:
            with Transaction(plain) as transaction:
                return transaction.get(Session, session_id)

        yield [
            Way("psycopg, one cursor kept for ever", lambda: kept.execute(sql, values).fetchall()),
            Way(
                "compiled once, run on the cursor kept with the pool's connection",
                lambda: pool.autocommit(lambda lent: lent.fetch_one(prepared, values)),
                is_taken=True,
            ),
            Way("SQLAlchemy Core, `engine.connect()`", lambda: by_core(plain)),
            Way("the same with `pool_pre_ping`", lambda: by_core(asking)),
            Way("SQLAlchemy ORM, `Session.get`", by_orm),
        ]


def _engine(stack: ExitStack, database: Database, *, pre_ping: bool = False) -> sqlalchemy.Engine:
    engine = sqlalchemy.create_engine(
        database.sqlalchemy_url,
        isolation_level="AUTOCOMMIT",
        pool_pre_ping=pre_ping,
        pool_reset_on_return=None,
    )
    stack.callback(engine.dispose)
    return engine


@contextmanager
def counting(_keyturn: Keyturn) -> Iterator[list[Way]]:
    """Answer a request whose address has a limit that nobody reaches."""
    bare, ours = Flask("bare"), Flask("ours")
    limits = Limits(
        ours, RateLimitSettings(login=None, signup=None, password=None, refresh=_UNLIMITED, redis_url=None)
    )
    _serve(bare, lambda: "")
    _serve(ours, lambda: limits.check("refresh", "203.0.113.7") or "")
    yield [
        Way("no limit", _request(bare)),
        Way("one `hit` in the view, no hooks, no timer threads", _request(ours), is_taken=True),
        Way("`@limiter.limit`, the same storage", _request(_decorated("process://"))),
        Way("`@limiter.limit`, `memory://`", _request(_decorated("memory://"))),
    ]


def _decorated(storage_uri: str) -> Flask:
    app = Flask(storage_uri.partition(":")[0])
    limiter = Limiter(lambda: "203.0.113.7", app=app, storage_uri=storage_uri)
    _serve(app, limiter.limit(_UNLIMITED)(lambda: ""))
    return app


def _serve(app: Flask, view: Callable[[], str]) -> None:
    app.add_url_rule("/", "view", view)


def _request(app: Flask, headers: dict[str, str] | None = None) -> Run:
    environ = {**_ENVIRON, **(headers or {})}

    def run() -> None:
        answer = app.wsgi_app({**environ, "wsgi.input": io.BytesIO()}, lambda *_: lambda _: None)
        b"".join(answer)
        answer.close()  # type: ignore[attr-defined]

    return run


@contextmanager
def guarding(keyturn: Keyturn) -> Iterator[list[Way]]:
    """Answer a request with an access token in its header."""
    bare = Flask("bare")
    _serve(bare, lambda: "")
    _serve(keyturn.app, signed_in(lambda: ""))
    body = {"refreshToken": keyturn.some_tokens(1)[0]}
    token = keyturn.app.test_client().post("/auth/refresh-token", json=body).get_json()["accessToken"]
    header = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    yield [
        Way("a bare view", _request(bare, header)),
        Way("the view behind `@signed_in`", _request(keyturn.app, header), is_taken=True),
    ]


@contextmanager
def reading_a_token(_keyturn: Keyturn) -> Iterator[list[Way]]:
    """Check the signature of an access token and read its claims."""
    token = write_signed(_claims(), _KEY)
    with _issuer().app_context():
        yield [
            Way("own reader, signature first", lambda: read_signed(token, [_KEY]), is_taken=True),
            Way("PyJWT, `jwt.decode`", lambda: jwt.decode(token, _KEY, algorithms=["HS256"])),
            Way("Flask-JWT-Extended, `decode_token`", lambda: decode_token(token)),
        ]


@contextmanager
def writing_a_token(_keyturn: Keyturn) -> Iterator[list[Way]]:
    """Sign an access token with the same claims."""
    claims = _claims()
    with _issuer().app_context():
        yield [
            Way("JSON and one HMAC", lambda: write_signed(claims, _KEY), is_taken=True),
            Way("PyJWT, `jwt.encode`", lambda: jwt.encode(claims, _KEY, algorithm="HS256")),
            Way(
                "Flask-JWT-Extended, `create_access_token`",
                lambda: create_access_token("subject", additional_claims=claims),
            ),
        ]


def _issuer() -> Flask:
    app = Flask("issuer")
    app.config["JWT_SECRET_KEY"] = _KEY
    JWTManager(app)
    return app


def _claims() -> dict[str, object]:
    now = int(datetime.now(UTC).timestamp())
    named = {name: str(uuid4()) for name in ("jti", "sub", "sid")}
    return {**named, "type": "access", "fresh": False, "iat": now, "nbf": now, "exp": now + 900, "gen": 7}


@contextmanager
def answering(_keyturn: Keyturn) -> Iterator[list[Way]]:
    """Answer with two tokens in JSON."""
    with Flask("answering").test_request_context():
        yield [
            Way("an encoder made once", lambda: json_answer(_BODY), is_taken=True),
            Way("`flask.jsonify`", lambda: jsonify(_BODY)),
        ]


_STEPS = {
    "a guarded request": guarding,
    "one row by its key": reading_a_row,
    "a limit on a request": counting,
    "reading a token": reading_a_token,
    "writing a token": writing_a_token,
    "answering in JSON": answering,
}


def measured(ways: list[Way], rounds: int, count: int) -> dict[str, float]:
    """Return microseconds a call, the median of rounds in which the ways take turns."""
    taken: dict[str, list[float]] = {way.name: [] for way in ways}
    for way in ways:
        _time(way.run, count // 5)
    for number in range(rounds):
        # Each round begins with another way: the first one after a pause is slower.
        first = number % len(ways)
        for way in ways[first:] + ways[:first]:
            taken[way.name].append(_time(way.run, count))
    return {name: statistics.median(times) for name, times in taken.items()}


def _time(run: Run, count: int) -> float:
    before = time.process_time()
    for _ in range(count):
        run()
    return (time.process_time() - before) / count * 1e6


def table(rounds: int, count: int) -> str:
    lines = ["| step | way | µs |", "|---|---|---|"]
    with created("ways") as database, filled(database, sessions=1) as keyturn:
        for step, prepare in _STEPS.items():
            with prepare(keyturn) as ways:
                costs = measured(ways, rounds, count)
            for number, way in enumerate(ways):
                name = f"**{way.name}**" if way.is_taken else way.name
                lines.append(f"| {'' if number else step} | {name} | {costs[way.name]:.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--write", type=Path, metavar="PAGE")
    options = parser.parse_args()
    text = f"{describe_machine()}\n\n{table(options.rounds, options.count)}"
    print(text)
    if options.write:
        write_section(options.write, _SECTION, text)


if __name__ == "__main__":
    main()
