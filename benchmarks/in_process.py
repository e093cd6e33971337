"""Keyturn without HTTP on a database of any size: rows put there in bulk, and the tokens derived for them."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from contenders import keyturn_environment, migrate
from databases import Database

from app import contracts, create_app
from app.engine.client import Client, Transport
from app.engine.proof import Proof
from app.engine.refresh_tokens import ProofMaker
from app.engine.session_store import SessionStore
from app.engine.sweeper import Sweeper
from app.extensions import db
from app.http.runtime import Runtime
from config import resolve_settings

_ADDRESS = "203.0.113.7"
_USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
_CLIENT = Client(ip_address=_ADDRESS, user_agent=_USER_AGENT, transport=Transport.HEADER)
SESSIONS_PER_PERSON = 2

_FILL_USERS = """
INSERT INTO users (uuid, status, email, role, attributes, hashed_password, epoch, must_change_password,
                   created_at, updated_at)
SELECT gen_random_uuid(), 'active', 'user' || n || '@example.org', 'USER', '{}', repeat('h', 97), 1, false,
       now(), now()
FROM generate_series(1, %s) AS n
"""
_FILL_SESSIONS = """
INSERT INTO sessions (id, user_id, generation, seen_generation, floor_generation, salt, created_at,
                      rotated_at, last_seen_at, inactivity_expires_at, absolute_expires_at, auth_methods,
                      authenticated_at, mfa_pending, ip_address, user_agent, contract, transport)
SELECT gen_random_uuid(), 1 + n %% %s, 1, 0, 1, decode(replace(gen_random_uuid()::text, '-', ''), 'hex'),
       now(), now(), now(), now() + interval '30 days', now() + interval '90 days', '["pwd"]',
       now(), false, %s, %s, 'nest_auth', 'header'
FROM generate_series(1, %s) AS n
"""


class Keyturn:
    """One process of Keyturn on a database with this many live sessions."""

    def __init__(self, database: Database, sessions: int) -> None:
        self.database, self.sessions = database, sessions
        environment = keyturn_environment(database, {})
        migrate(environment)
        users = max(1, sessions // SESSIONS_PER_PERSON)
        database.execute(_FILL_USERS, users)
        database.execute(_FILL_SESSIONS, users, _ADDRESS, _USER_AGENT, sessions)
        database.execute("VACUUM ANALYZE")
        settings = {name: value for name, value in environment.items() if name.startswith("KEYTURN_")}
        with TemporaryDirectory() as directory:
            self.app = create_app(resolve_settings(settings, contracts.defaults(), Path(directory)))
        runtime: Runtime = self.app.extensions["keyturn"]
        self._engine, self._policy = runtime.engine, runtime.mounts["nest_auth"].policy
        self._store = SessionStore(self._engine.database)
        self._proofs = ProofMaker(self._engine.keyring)
        self._sweeper = Sweeper(
            database=self._engine.database,
            store=self._store,
            clock=self._engine.clock,
            events=self._engine.events,
            retention=runtime.settings.sessions.retention,
        )

    def some_tokens(self, count: int) -> list[str]:
        """Derive the refresh tokens of sessions that lie anywhere in the table."""
        live = "SELECT id FROM sessions WHERE revoked_at IS NULL ORDER BY random() LIMIT %s"
        chosen = self.database.rows(live, count)
        return [self._token(session_id) for (session_id,) in chosen]

    def refresh(self, token: str) -> str:
        return self._engine.sessions.refresh(token, self._policy, _CLIENT).refresh_token

    def log_in(self) -> None:
        """Open a session for anybody, as after a right password."""
        person = self.anybody()
        now = self._engine.clock.now()
        proof = Proof(user_id=person, epoch=1, methods=("pwd",), proven_at=now, organization_id=None)
        self._engine.sessions.open(proof, self._policy, _CLIENT)

    def anybody(self) -> int:
        """Return the number of a person."""
        return 1 + secrets.randbelow(max(1, self.sessions // SESSIONS_PER_PERSON))

    def list_sessions(self) -> None:
        """Read anybody's live sessions, as the page that shows them does."""
        self._engine.sessions.list_live(self.anybody())

    def log_out_everywhere(self) -> None:
        """End all of anybody's sessions."""
        self._engine.sessions.end_all(self.anybody(), _CLIENT)

    def prune(self) -> int:
        """Do what `sessions prune` does, and return how many sessions were deleted."""
        return self._engine.sessions.prune()

    def sweep(self) -> None:
        """Sweep as each login does."""
        self._sweeper.sweep_in_passing()

    def disconnect(self) -> None:
        """Close the connections, so that the database knows all that they did."""
        with self.app.app_context():
            db.engine.dispose()

    def _token(self, session_id: UUID) -> str:
        snapshot = self._store.load(session_id)
        if snapshot is None:
            raise LookupError(session_id)
        proof = self._proofs.derive(snapshot.session)
        return self._policy.form.write(snapshot, proof, self._engine.clock.now())


@contextmanager
def filled(database: Database, sessions: int) -> Iterator[Keyturn]:
    """Lend Keyturn on a filled database and close its connections afterwards."""
    keyturn = Keyturn(database, sessions)
    try:
        yield keyturn
    finally:
        keyturn.disconnect()
