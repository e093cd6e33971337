"""Nothing that crossed the wire can be found in the database or in the log."""

import base64
import hashlib
import logging
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import Base, RecoveryCode
from app.primitives.clock import FrozenClock
from tests.authenticator import enrol
from tests.clients import PASSWORD, AuthClient
from tests.conftest import AppFor
from tests.rows import claims_of, event_kinds

WRONG, NEXT = "a wrong guess of a password", "the next password of ada"


class Watched:
    """A client whose every token is remembered."""

    def __init__(self, client: AuthClient) -> None:
        self.client = client
        self.tokens: set[str] = set()

    def note(self) -> None:
        self.tokens |= {self.client.current_access_token() or "", self.client.current_refresh_token() or ""}
        self.tokens.discard("")


def _live_through_everything(client: AuthClient, clock: FrozenClock) -> set[str]:
    """Sign up, log in, fail, refresh, repeat, reuse, recover, change the password, log out."""
    watched = Watched(client)
    client.sign_up()
    watched.note()
    first = client.current_refresh_token()
    client.refresh()
    watched.note()
    client.present(first)
    client.get("/auth/me")
    clock.advance(timedelta(minutes=5))
    client.present(first)
    client.log_in(password=WRONG)
    client.log_in()
    watched.note()
    client.get("/auth/me", headers={"X-Device-Name": "phone"})
    client.post("/auth/refresh-token", {"refreshToken": client.current_access_token()})
    client.post("/auth/change-password", {"currentPassword": WRONG, "newPassword": NEXT})
    client.post("/auth/change-password", {"currentPassword": PASSWORD, "newPassword": NEXT})
    client.log_in(password=NEXT)
    watched.note()
    client.post("/auth/logout")
    return watched.tokens


def _traces(token: str) -> set[bytes]:
    """Return what of a token would be worth finding: itself, its signature, and its proof in any form."""
    traces = {token.encode(), token.rpartition(".")[2].encode(), token.split(".")[1].encode()}
    signature = token.rpartition(".")[2]
    written = [signature, *([claims_of(token)["proof"]] if "proof" in claims_of(token) else [])]
    for text in written:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        forms = {raw, raw.hex().encode(), raw.hex().upper().encode(), text.encode()}
        traces |= forms | {base64.b64encode(raw).rstrip(b"="), base64.urlsafe_b64encode(raw).rstrip(b"=")}
    return traces


def _stored(client: AuthClient) -> bytes:
    """Return everything in the database: each value as Python shows it, and SQLite's files as they are."""
    with client.app.app_context(), db.engine.connect() as connection:
        rows = [
            repr(tuple(row)) + "".join(value.hex() for value in row if isinstance(value, bytes))
            for table in Base.metadata.sorted_tables
            for row in connection.execute(select(table))
        ]
        kind, path = connection.dialect.name, Path(str(connection.engine.url.database))
    files = [file.read_bytes() for file in path.parent.glob(path.name + "*")]
    assert rows
    assert bool(files) == (kind == "sqlite")
    return "\n".join(rows).encode() + b"".join(files)


def test_no_secret_of_a_whole_life_is_stored_or_logged(
    client: AuthClient, clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        tokens = _live_through_everything(client, clock)
    assert len(tokens) == 8
    assert {"session:refresh:reused", "session:login:failed", "account:password:changed"} <= set(
        event_kinds(client.app)
    )

    kept = _stored(client)
    logged = "\n".join(f"{record.getMessage()} {record.args} {record.exc_text}" for record in caplog.records)
    assert "refused POST" in logged

    secrets = {PASSWORD.encode(), WRONG.encode(), NEXT.encode()}.union(*map(_traces, tokens))
    for secret in secrets:
        assert secret not in kept
        assert secret not in logged.encode()


def test_no_secret_of_a_second_factor_is_stored_or_logged_nor_anything_to_guess_it_by(
    client: AuthClient, clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        client.sign_up()
        authenticator = enrol(client, clock)
        client.keep(client.post("/auth/mfa/verify", {"method": "totp", "otp": authenticator.next_code()}))
        code: str = client.post("/auth/mfa/generate-recovery-code").get_json()["code"]
        client.log_in()
        client.post("/auth/mfa/verify-recovery-code", {"code": code.swapcase()})

    with client.app.app_context():
        salt = db.session.scalars(select(RecoveryCode.salt).distinct()).one()
    secret, raw_code = base64.b32decode(authenticator.secret), base64.urlsafe_b64decode(code + "=")
    hashed = hashlib.sha256(salt + code.encode()).digest()
    traces = {authenticator.secret.encode(), code.encode()}
    for raw in (secret, raw_code, hashed):
        traces |= {raw, raw.hex().encode(), base64.b64encode(raw), base64.urlsafe_b64encode(raw)}

    kept = _stored(client)
    assert salt.hex().encode() in kept
    assert not [trace for trace in traces if trace in kept or trace in caplog.text.encode()]


def test_what_is_stored_does_not_log_in(app_for: AppFor, transport: str) -> None:
    unlocked = {"login_attempts": 100, "login_account_attempts": 100}
    client = AuthClient(app_for(access_token_type=transport, **unlocked), transport)
    client.sign_up()
    with client.app.app_context(), db.engine.connect() as connection:
        values = [
            str(value)
            for table in Base.metadata.sorted_tables
            for row in connection.execute(select(table))
            for value in row
            if value
        ]

    for value in values:
        stranger = client.another_device()
        assert stranger.log_in(password=value).status_code == 401
        assert stranger.post("/auth/refresh-token", {"refreshToken": value}).status_code == 401
