"""What is measured against what: each contender is a server, a database of its own and logged-in clients."""

import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from databases import Database, created
from load_generator import Wire
from rounds import Target
from servers import PEERS, ROOT, Server, serving

_SIMPLEJWT = ROOT / ".venv" / "peers" / "bin" / "python"


@dataclass(frozen=True)
class Peer:
    """A program under `peers/` that makes its own tables and logs its own clients in.

    `line` reads from a refresh token which line of successors it belongs to: two live tokens of two lines are
    two sessions where there should be one.
    """

    program: str
    application: str
    wire: Wire
    line: Callable[[str], str]
    interpreter: Path = Path(sys.executable)


@dataclass
class Contender(Target):
    """`spare` are the tokens of clients that take no part in the rounds."""

    database: Database
    line: Callable[[str], str]
    spare: list[str]
    stop: Callable[[], None]


def claims(token: str) -> dict[str, str]:
    """Read a JWT without checking it."""
    payload = token.split(".")[1]
    decoded: dict[str, str] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return decoded


def _jti(token: str) -> str:
    return claims(token)["jti"]


def _session_and_generation(token: str) -> str:
    """An envelope written twice for one generation differs in its `iat` only: it is the same token."""
    return f"{claims(token)['sid']} {claims(token)['gen']}"


FLOOR, SIMPLEJWT, BLOCKLIST = "floor", "simplejwt", "Flask-JWT-Extended blocklist"
DURABLE, ASYNCHRONOUS = "Keyturn, durable", "Keyturn, asynchronous"
KEYTURN_WIRE = Wire("/auth/refresh-token", "refreshToken", "refreshToken")
_PEERS = {
    FLOOR: Peer("floor.py", "floor:create_app()", KEYTURN_WIRE, lambda token: token),
    SIMPLEJWT: Peer(
        "simplejwt_peer.py",
        "simplejwt_peer:application",
        Wire("/api/token/refresh/", "refresh", "refresh"),
        _jti,
        _SIMPLEJWT,
    ),
    BLOCKLIST: Peer(
        "blocklist_peer.py", "blocklist_peer:app", Wire("/refresh", answers="refresh_token"), _jti
    ),
}
_KEYTURN = {
    DURABLE: {"KEYTURN_DATABASE_ASYNCHRONOUS_ROTATION": "false"},
    ASYNCHRONOUS: {"KEYTURN_DATABASE_ASYNCHRONOUS_ROTATION": "true"},
}
CONTENDERS = (FLOOR, DURABLE, ASYNCHRONOUS, BLOCKLIST, SIMPLEJWT)


@contextmanager
def contending(names: list[str], clients: int, spare: int) -> Iterator[dict[str, Contender]]:
    """Start every named contender on its own database, with its clients logged in."""
    with ExitStack() as stack:
        yield {name: _start(stack, name, clients, spare) for name in names}


def _start(stack: ExitStack, name: str, clients: int, spare: int) -> Contender:
    slug = "".join(letter if letter.isalpha() else "_" for letter in name.lower())
    database = stack.enter_context(created(slug))
    running = stack.enter_context(ExitStack())
    if name in _PEERS:
        peer = _PEERS[name]
        server, tokens = _start_peer(running, peer, database, clients + spare)
        wire, line = peer.wire, peer.line
    else:
        server = start_keyturn(running, database, _KEYTURN[name])
        tokens = [sign_up(server, number)["refreshToken"] for number in range(clients + spare)]
        wire, line = KEYTURN_WIRE, _session_and_generation
    return Contender(
        server=server,
        wire=wire,
        tokens=tokens[:clients],
        database=database,
        line=line,
        spare=tokens[clients:],
        stop=running.close,
    )


def _start_peer(running: ExitStack, peer: Peer, database: Database, clients: int) -> tuple[Server, list[str]]:
    environment = {**os.environ, "BENCHMARK_DATABASE": database.url}
    log_in = [str(peer.interpreter), str(PEERS / peer.program), str(clients)]
    logged_in = subprocess.run(log_in, env=environment, stdout=subprocess.PIPE, check=True)
    server = running.enter_context(serving(peer.application, environment, peer.interpreter))
    return server, json.loads(logged_in.stdout)


def start_keyturn(
    running: ExitStack, database: Database, settings: Mapping[str, str], application: str = "wsgi:app"
) -> Server:
    """Serve Keyturn, or an application it is mounted in, on a database until `running` is closed."""
    environment = keyturn_environment(database, settings)
    migrate(environment)
    return running.enter_context(serving(application, environment))


def migrate(environment: dict[str, str]) -> None:
    """Make Keyturn's tables as an installation does."""
    upgrade = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
    subprocess.run(upgrade, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


def keyturn_environment(database: Database, settings: Mapping[str, str]) -> dict[str, str]:
    """Leave out the caller's own settings: what is measured must not depend on them."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KEYTURN_")}
    return {
        **inherited,
        "KEYTURN_ENV": "development",
        "KEYTURN_SECRET_KEY": secrets.token_urlsafe(48),
        "KEYTURN_DATABASE_URL": database.sqlalchemy_url,
        "KEYTURN_RATE_LIMIT_LOGIN": "off",
        "KEYTURN_RATE_LIMIT_SIGNUP": "off",
        # Every refresh is counted and none refused: all clients of a benchmark share one address.
        "KEYTURN_RATE_LIMIT_REFRESH": "100000000 per minute",
        **settings,
    }


def sign_up(server: Server, number: int) -> dict[str, str]:
    """Make a person with a session and return the answer with the tokens."""
    body = {"email": f"client{number}@example.org", "password": secrets.token_urlsafe(16)}
    status, answer = server.post("/auth/signup", body)
    if "refreshToken" not in answer:
        raise RuntimeError(f"signup answered {status}: {answer.get('message')}")
    return answer
