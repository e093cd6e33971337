"""What the database of a running service holds, read and written past it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import create_engine, select, update
from sqlalchemy.orm import Session as Transaction

from app.models import Membership, Organization, SecurityEvent, Session, TotpDevice, User
from tests.browser.service import Site


class Stored:
    """The rows of one person."""

    def __init__(self, site: Site, email: str) -> None:
        self._url = site.server.database_url
        self._email = email

    def person(self) -> User:
        """Return the person's row."""
        with self._transaction() as transaction:
            return _person(transaction, self._email)

    def sessions(self) -> list[Session]:
        """Return all sessions of the person, the oldest first."""
        with self._transaction() as transaction:
            mine = Session.user_id == _person(transaction, self._email).id
            return list(transaction.scalars(select(Session).where(mine).order_by(Session.created_at)))

    def live_sessions(self) -> int:
        """Count the sessions that nobody has ended."""
        return sum(row.revoked_at is None for row in self.sessions())

    def events(self) -> list[str]:
        """Return the kinds of what has happened to the person, the oldest first."""
        with self._transaction() as transaction:
            mine = SecurityEvent.user_id == _person(transaction, self._email).id
            return list(
                transaction.scalars(select(SecurityEvent.kind).where(mine).order_by(SecurityEvent.id))
            )

    def change(self, **values: object) -> None:
        """Write to the person's row."""
        with self._transaction() as transaction:
            transaction.execute(update(User).where(User.email == self._email).values(**values))

    def age_sessions(self, age: timedelta) -> None:
        """Let the person's last proof of who it is be as old as this."""
        with self._transaction() as transaction:
            person = _person(transaction, self._email)
            proven = datetime.now(UTC) - age
            transaction.execute(
                update(Session).where(Session.user_id == person.id).values(authenticated_at=proven)
            )

    def wait_for_next_code(self) -> None:
        """Let the person's authenticator apps have shown their last code long ago: each is taken once."""
        with self._transaction() as transaction:
            mine = TotpDevice.user_id == _person(transaction, self._email).id
            transaction.execute(update(TotpDevice).where(mine).values(last_step=0))

    def place_session(self, user_agent: str, ip_address: str, age: timedelta) -> None:
        """Let the session of a browser have been opened elsewhere, and not just now."""
        moment = datetime.now(UTC) - age
        with self._transaction() as transaction:
            person = _person(transaction, self._email)
            transaction.execute(
                update(Session)
                .where(Session.user_id == person.id, Session.user_agent == user_agent)
                .values(ip_address=ip_address, created_at=moment - 9 * age, last_seen_at=moment)
            )

    def join(self, **organizations: str) -> None:
        """Make the person a member of new organizations, given as name=role; no command adds a second one."""
        now = datetime.now(UTC)
        with self._transaction() as transaction:
            person = _person(transaction, self._email)
            for name, role in organizations.items():
                row = Organization(
                    id=uuid4(), slug=uuid4().hex, name=name.replace("_", " "), created_at=now, updated_at=now
                )
                transaction.add(row)
                transaction.flush()
                transaction.add(
                    Membership(
                        user_id=person.id,
                        organization_id=row.id,
                        role=role,
                        is_admin=role == "ADMIN",
                        created_at=now,
                    )
                )

    @contextmanager
    def _transaction(self) -> Iterator[Transaction]:
        engine = create_engine(self._url)
        try:
            with Transaction(engine, expire_on_commit=False) as transaction, transaction.begin():
                yield transaction
        finally:
            engine.dispose()


def _person(transaction: Transaction, email: str) -> User:
    return transaction.scalars(select(User).where(User.email == email)).one()
