"""What is measured against what: each contender is a server, a database of its own and logged-in clients."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import floor
from databases import Database, created
from servers import ROOT, Server, serving

PATH = "/auth/refresh-token"

# The limiter counts every refresh and refuses none: all clients of a benchmark share one address.
_COUNTED = {"KEYTURN_RATE_LIMIT_REFRESH": "100000000 per minute"}
_UNCOUNTED = {"KEYTURN_RATE_LIMIT_REFRESH": "off"}
FLOOR = "floor"
VARIANTS = {"keyturn": _COUNTED, "keyturn, refresh limit off": _UNCOUNTED}


@dataclass
class Contender:
    """`tokens` holds the newest of each client; `stop` ends the server and leaves the database."""

    name: str
    server: Server
    database: Database
    tokens: list[str]
    stop: Callable[[], None]


@contextmanager
def contending(names: list[str], kind: str, clients: int) -> Iterator[list[Contender]]:
    """Start every named contender on its own database of one kind, with its clients logged in."""
    with ExitStack() as stack:
        yield [_start(stack, name, kind, clients) for name in names]


def _start(stack: ExitStack, name: str, kind: str, clients: int) -> Contender:
    slug = "".join(letter if letter.isalpha() else "_" for letter in name)
    database = stack.enter_context(created(kind, slug))
    running = stack.enter_context(ExitStack())
    if name == FLOOR:
        tokens = floor.log_in(database.driver_url, clients)
        environment = {**os.environ, "FLOOR_DATABASE": database.driver_url}
        server = running.enter_context(serving("floor:create_app()", environment))
        return Contender(name, server, database, tokens, running.close)
    environment = _keyturn_environment(database, VARIANTS[name])
    migrate = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    server = running.enter_context(serving("wsgi:app", environment))
    tokens = [_sign_up(server, number) for number in range(clients)]
    return Contender(name, server, database, tokens, running.close)


def _keyturn_environment(database: Database, variant: dict[str, str]) -> dict[str, str]:
    """Leave out the caller's own settings: what is measured must not depend on them."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KEYTURN_")}
    return {
        **inherited,
        "KEYTURN_ENV": "development",
        "KEYTURN_SECRET_KEY": secrets.token_urlsafe(48),
        "KEYTURN_DATABASE_URL": database.sqlalchemy_url,
        "KEYTURN_RATE_LIMIT_LOGIN": "off",
        "KEYTURN_RATE_LIMIT_SIGNUP": "off",
        **variant,
    }


def _sign_up(server: Server, number: int) -> str:
    body = {"email": f"client{number}@example.org", "password": secrets.token_urlsafe(16)}
    status, answer = server.post("/auth/signup", body)
    if "refreshToken" not in answer:
        raise RuntimeError(f"signup answered {status}: {answer.get('message')}")
    return answer["refreshToken"]
