"""The engine on a database, without Flask, with the verbs that tests use."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import delete, select, update

from app.delivery import DirectOutbox, MemorySender
from app.engine.accounts import Registration
from app.engine.client import Client
from app.engine.engine import Engine
from app.engine.grant import Grant, SessionPolicy
from app.engine.identifiers import Identifier, IdentifierKind
from app.engine.proof import Proof
from app.engine.refresh_tokens import OpaqueForm
from app.engine.rotation import Windows
from app.engine.snapshot import PersonRow, SessionRow, Snapshot
from app.extensions import engine_options
from app.models import Base, SecurityEvent, Session, User
from app.primitives.clock import Clock
from app.primitives.keyring import Keyring
from config import Settings

GRACE, RECOVERY = timedelta(seconds=30), timedelta(days=1)
TICK = timedelta(microseconds=1)
ACCESS, INACTIVITY, ABSOLUTE = timedelta(hours=1), timedelta(days=30), timedelta(days=90)
ADA, PASSWORD = "ada@example.test", "correct horse battery"
FIREFOX = Client(ip_address="192.0.2.1", user_agent="Firefox")
CURL = Client(ip_address="198.51.100.7", user_agent="curl")


class Service:
    """One process of the deployment and one contract of opaque tokens."""

    def __init__(self, settings: Settings, clock: Clock, outbox: MemorySender) -> None:
        self.pool = sqlalchemy.create_engine(settings.database.url, **engine_options(settings.database))
        self.clock, self.outbox = clock, outbox
        keyring = Keyring([settings.keys.secret_key.reveal()])
        self.engine = Engine(settings, self.pool, keyring=keyring, clock=clock, postbox=DirectOutbox(outbox))
        self.sessions, self.credentials, self.accounts = (
            self.engine.sessions,
            self.engine.credentials,
            self.engine.accounts,
        )
        self.policy = SessionPolicy(
            contract="tests",
            form=OpaqueForm(keyring),
            access_lifetime=ACCESS,
            inactivity_timeout=INACTIVITY,
            absolute_lifetime=ABSOLUTE,
            windows=Windows(grace=GRACE, recovery=RECOVERY),
            max_sessions_per_person=10,
        )

    def change_policy(self, **changes: Any) -> None:
        """Let sessions of the contract live by other rules."""
        self.policy = replace(self.policy, **changes)

    def person(self, email: str = ADA, password: str = PASSWORD) -> PersonRow:
        """Register a person."""
        return self.accounts.register(Registration(password=password, email=email), FIREFOX)

    def prove(self, email: str = ADA, password: str = PASSWORD, **options: Any) -> Proof:
        """Check a password."""
        return self.credentials.prove_password(
            by_email(email), password, FIREFOX, self.engine.login_rule, **options
        )

    def log_in(
        self, email: str = ADA, password: str = PASSWORD, client: Client = FIREFOX, **options: Any
    ) -> Grant:
        """Open a session."""
        return self.engine.log_in(by_email(email), password, self.policy, client, **options)

    def refresh(self, grant: Grant | str, client: Client = FIREFOX) -> Grant:
        """Present a refresh token."""
        token = grant if isinstance(grant, str) else grant.refresh_token
        return self.sessions.refresh(token, self.policy, client)

    def use(self, grant: Grant, generation: int | None = None) -> Snapshot:
        """Present an access token of the grant's generation, or of another one."""
        presented = generation or grant.session.generation
        return self.sessions.authenticate(grant.session.id, presented, self.policy, FIREFOX)

    def row(self, grant: Grant | UUID) -> SessionRow:
        """Read a session, over or not."""
        session_id = grant if isinstance(grant, UUID) else grant.session.id
        return self.sessions.look_up(session_id).session

    def rewrite(self, grant: Grant, **values: Any) -> None:
        """Change a session past the service."""
        with self.pool.connect() as connection:
            connection.execute(update(Session).where(Session.id == grant.session.id).values(**values))
            connection.commit()

    def rewrite_person(self, email: str = ADA, **values: Any) -> None:
        """Change a person past the service."""
        with self.pool.connect() as connection:
            connection.execute(update(User).where(User.email == email).values(**values))
            connection.commit()

    def delete(self, model: type[Base]) -> None:
        """Delete all rows of a table past the service."""
        with self.pool.connect() as connection:
            connection.execute(delete(model))
            connection.commit()

    def owners(self, model: type[Any]) -> set[int]:
        """Return who has rows in a table."""
        with self.pool.connect() as connection:
            return set(connection.scalars(select(model.user_id)))

    def hashed_password(self, email: str = ADA) -> str | None:
        """Read what is stored of a password."""
        with self.pool.connect() as connection:
            return connection.scalar(select(User.hashed_password).where(User.email == email))

    def events(self) -> Sequence[sqlalchemy.Row[Any]]:
        """Return all events, the oldest first."""
        table = SecurityEvent.__table__
        with self.pool.connect() as connection:
            return connection.execute(select(table).order_by(table.c.id)).all()

    def event_kinds(self) -> list[str]:
        """Return the kinds of all events, the oldest first."""
        return [str(event.kind) for event in self.events()]

    def subjects(self) -> list[str]:
        """Return what the mails were about."""
        return [message.subject for message in self.outbox.messages]

    def fail_to_log_in(self, email: str = ADA, client: Client = FIREFOX) -> None:
        """Give a wrong password, whatever the answer is."""
        with suppress(Exception):
            self.log_in(email, "a wrong password", client)


def by_email(email: str) -> Identifier:
    """Return the identifier of an address."""
    return Identifier.of(IdentifierKind.EMAIL, email)
