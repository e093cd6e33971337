"""Runs each contract's refresh with curl against a served application, for docs/contracts.md and its test."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from app import contracts, create_app
from app.delivery import DirectOutbox, MemorySender
from app.engine.accounts import Registration
from app.extensions import db
from app.models import Base
from app.primitives.clock import FrozenClock
from config import resolve_settings
from tests.conftest import SECRET, runtime_of

PASSWORD = "correct horse 7"
TOGETHER = "nest_auth,entryguard,seven_g,regardingwork_hub,oauth2"
WITHOUT_NEST_AUTH = "entryguard,seven_g,regardingwork_hub,falcon_alert,oauth2"

_JSON = "-H 'Content-Type: application/json'"
_MASKS = (
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"), "eyJhbGci…"),
    (re.compile(r"kt1_[\w-]+"), "kt1_…"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "4f7c9e1a-…"),
)
# Shown is what a person types; the status comes after the body.
_SHELL = """curl() { command curl --silent --show-error --write-out '%{http_code}' "$@"; }"""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A login, the refresh, and a refresh that is refused, as typed after `URL=http://…`."""

    contract: str
    served: str
    access_field: str = "accessToken"
    refresh_field: str = "refreshToken"
    commands: tuple[str, str, str]


def _post(path: str, body: str, *headers: str) -> str:
    return " \\\n    ".join([f"curl $URL{path}", *headers, _JSON, f"-d '{body}'"])


def _form(path: str, *fields: str) -> str:
    return " \\\n    ".join([f"curl $URL{path}", *(f"-d {field}" for field in fields)])


_HELD = "'$REFRESH_TOKEN'"
_BEARER = '-H "Authorization: Bearer $ACCESS_TOKEN"'
_VERSION = "-H 'Version: 2.0'"

EXAMPLES = (
    Example(
        contract="nest_auth",
        served=TOGETHER,
        commands=(
            _post(
                "/auth/login", f'{{"credentials": {{"email": "ada@example.test", "password": "{PASSWORD}"}}}}'
            ),
            _post("/auth/refresh-token", f'{{"refreshToken": "{_HELD}"}}'),
            _post("/auth/refresh-token", '{"refreshToken": "no token"}'),
        ),
    ),
    Example(
        contract="entryguard",
        served=TOGETHER,
        commands=(
            _post(
                "/api/v1/auth/login",
                '{"organizationSlug": "example-works", "email": "ada@example.test", '
                f'"password": "{PASSWORD}"}}',
            ),
            _post("/api/v1/auth/refresh", f'{{"refreshToken": "{_HELD}"}}'),
            _post("/api/v1/auth/refresh", '{"refreshToken": "no token"}'),
        ),
    ),
    Example(
        contract="seven_g",
        served=TOGETHER,
        commands=(
            _post("/User/Login", f'{{"username": "ada-example", "password": "{PASSWORD}"}}', _VERSION),
            _post("/User/RefreshToken", f'{{"refreshToken": "{_HELD}"}}', _VERSION, _BEARER),
            _post("/User/RefreshToken", '{"refreshToken": "no token"}', _VERSION, _BEARER),
        ),
    ),
    Example(
        contract="regardingwork_hub",
        served=TOGETHER,
        access_field="access_token",
        refresh_field="refresh_token",
        commands=(
            _post("/api/auth/login", f'{{"username": "ada-example", "password": "{PASSWORD}"}}'),
            _post("/api/auth/refresh", f'{{"refresh_token": "{_HELD}"}}'),
            _post("/api/auth/refresh", '{"refresh_token": "no token"}'),
        ),
    ),
    Example(
        contract="falcon_alert",
        served=WITHOUT_NEST_AUTH,
        commands=(
            _post(
                "/auth/login", f'{{"email": "ada@example.test", "password": "{PASSWORD}", "type": "mobile"}}'
            ),
            _post("/auth/refresh", f'{{"refreshToken": "{_HELD}"}}'),
            _post("/auth/refresh", '{"refreshToken": "no token"}'),
        ),
    ),
    Example(
        contract="oauth2",
        served=TOGETHER,
        access_field="access_token",
        refresh_field="refresh_token",
        commands=(
            _form(
                "/oauth/token",
                "grant_type=password",
                "client_id=app",
                "username=ada@example.test",
                f"--data-urlencode 'password={PASSWORD}'",
            ).replace("-d --data", "--data"),
            _form(
                "/oauth/token", "grant_type=refresh_token", "client_id=app", "refresh_token=$REFRESH_TOKEN"
            ),
            _form("/oauth/token", "grant_type=refresh_token", "client_id=app", "refresh_token=nothing"),
        ),
    ),
)


def transcripts() -> str:
    """Run every example and return what was typed and answered, one block for each contract."""
    with served(TOGETHER) as together, served(WITHOUT_NEST_AUTH) as without:
        addresses = {TOGETHER: together, WITHOUT_NEST_AUTH: without}
        blocks = [_block(example, addresses[example.served]) for example in EXAMPLES]
    return "\n\n".join(blocks)


def _block(example: Example, address: str) -> str:
    lines = [f"### {contracts.discover()[example.contract].title}: `{example.contract}`\n", "```console"]
    environment = {"URL": address, "PATH": "/usr/local/bin:/usr/bin:/bin", "NO_PROXY": "127.0.0.1"}
    for command in example.commands:
        body, status = run(command, environment)
        for variable, field in (
            ("ACCESS_TOKEN", example.access_field),
            ("REFRESH_TOKEN", example.refresh_field),
        ):
            found = re.search(rf'"{field}":"([^"]+)"', body)
            # The variables hold the login's tokens, so that the refresh is what comes next.
            environment.setdefault(variable, found[1] if found else "")
        lines += [f"$ {command}", masked(body), status]
    return "\n".join([*lines, "```"])


def run(command: str, environment: dict[str, str]) -> tuple[str, str]:
    """Run a command as a shell does and return body and status of the answer."""
    done = subprocess.run(
        ["bash", "-c", f"{_SHELL}\n{command}"], env=environment, capture_output=True, text=True, check=True
    )
    body, status = done.stdout[:-3], done.stdout[-3:]
    return body.strip(), status


def masked(text: str) -> str:
    """Return the text without what differs from run to run."""
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text


class _Quiet(WSGIRequestHandler):
    """Serves without a line for every request."""

    def log_request(self, *_about: object) -> None:
        """Say nothing."""


@contextmanager
def served(chosen: str) -> Iterator[str]:
    """Serve contracts to a person who belongs to an organization, and give the address."""
    with TemporaryDirectory() as folder:
        app = _application(chosen, Path(folder))
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            with app.app_context():
                db.engine.dispose()


def _application(chosen: str, folder: Path) -> Flask:
    environ = {
        "KEYTURN_ENV": "testing",
        "KEYTURN_SECRET_KEY": SECRET,
        "KEYTURN_DATABASE_URL": f"sqlite:///{folder / 'keyturn.sqlite3'}",
        "KEYTURN_CONTRACTS": chosen,
    }
    clock = FrozenClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    settings = resolve_settings(environ, contracts.defaults(), folder)
    app = create_app(settings, clock=clock, postbox=DirectOutbox(MemorySender()))
    with app.app_context():
        Base.metadata.create_all(db.engine)
        engine = runtime_of(app).engine
        engine.organizations.create(slug="example-works", name="Example Works")
        engine.oauth_clients.create("app", is_confidential=False)
        ada = Registration(
            email="ada@example.test",
            username="ada-example",
            name="Ada Example",
            password=PASSWORD,
            organization_slug="example-works",
            is_organization_admin=True,
        )
        engine.accounts.register(ada, None)
    return app
