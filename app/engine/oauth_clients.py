"""Registered applications: made and removed by an administrator, and how they prove which one they are."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Transaction

from app.engine.database import Database
from app.engine.errors import ClientIdTaken, InvalidClient, InvalidRequest, NotFound
from app.engine.events import EventKind, Events, Subject
from app.engine.sessions import Sessions
from app.models import OAuthClient
from app.primitives.clock import Clock

# No letter of an id changes in a form or in a URL, so there is one way to write it (RFC 6749 section 2.3.1).
_ID = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_NAME_LENGTH = 255
_SECRET_PREFIX = "kts_"
_SECRET_BYTES = 32
_NO_HASH = "0" * 64


class OAuthClientView(NamedTuple):
    """An application as it is shown."""

    id: str
    name: str | None
    is_confidential: bool
    created_at: datetime


class OAuthClients:
    """The applications that may act for people. Each public method is one transaction."""

    def __init__(self, *, database: Database, sessions: Sessions, clock: Clock, events: Events) -> None:
        self._database = database
        self._sessions = sessions
        self._clock = clock
        self._events = events
        self._hashed_secret = database.prepare(
            select(OAuthClient.hashed_secret).where(OAuthClient.id == bindparam("client_id"))
        )

    def create(
        self, client_id: str, *, is_confidential: bool, name: str | None = None
    ) -> tuple[OAuthClientView, str | None]:
        """Register an application and return it with its secret, which is kept nowhere.

        A public one has no secret.

        Raises:
            InvalidRequest: the id or the name will not do.
            ClientIdTaken: another application has the id.
        """
        _check(client_id, name)
        secret = _SECRET_PREFIX + secrets.token_urlsafe(_SECRET_BYTES) if is_confidential else None
        row = OAuthClient(
            id=client_id,
            name=name,
            hashed_secret=None if secret is None else _hash(secret),
            created_at=self._clock.now(),
        )

        def work(transaction: Transaction) -> OAuthClientView:
            transaction.add(row)
            transaction.flush()
            self._events.record(transaction, EventKind.CLIENT_CREATED, Subject(), None, client_id=client_id)
            return _view(row)

        try:
            return self._database.transact(work), secret
        except IntegrityError as error:
            raise ClientIdTaken from error

    def list_all(self) -> Sequence[OAuthClientView]:
        """Return all applications by id."""
        return self._database.transact(
            lambda transaction: [
                _view(row) for row in transaction.scalars(select(OAuthClient).order_by(OAuthClient.id))
            ]
        )

    def delete(self, client_id: str) -> int:
        """Remove an application, end the sessions it has opened and return how many there were.

        Raises:
            NotFound: there is none.
        """

        def work(transaction: Transaction) -> int:
            row = transaction.get(OAuthClient, client_id, with_for_update=True)
            # MariaDB pays no heed to spaces at the end.
            if row is None or row.id != client_id:
                raise NotFound(f"no client {client_id}")
            transaction.delete(row)
            ended = self._sessions.end_application_within(transaction, client_id)
            self._events.record(
                transaction, EventKind.CLIENT_DELETED, Subject(), None, client_id=client_id, count=ended
            )
            return ended

        return self._database.transact(work)

    def authenticate(self, client_id: str, secret: str | None, *, confidential_only: bool = False) -> None:
        """Make sure that the caller is the application it says it is.

        A confidential one proves it with its secret, a public one has nothing to prove and must not try. With
        `confidential_only`, being public is not enough.

        Raises:
            InvalidClient: unknown application and wrong secret alike.
        """
        row = None
        if _ID.fullmatch(client_id):
            row = self._database.autocommit(
                lambda connection: connection.fetch_one(self._hashed_secret, {"client_id": client_id})
            )
        expected: str | None = row[0] if row is not None else None
        proven = hmac.compare_digest(expected or _NO_HASH, _hash(secret or ""))
        is_public = row is not None and expected is None
        if is_public and secret is None and not confidential_only:
            return
        if expected is None or not proven:
            raise InvalidClient("public" if is_public else "unknown, or a wrong secret")


def _check(client_id: str, name: str | None) -> None:
    if not _ID.fullmatch(client_id):
        raise InvalidRequest(
            {"id": "id must be 1 to 64 letters, digits, dots, hyphens, underscores or tildes"}
        )
    if name is not None and not 1 <= len(name) <= _NAME_LENGTH:
        raise InvalidRequest({"name": f"name must be 1 to {_NAME_LENGTH} characters"})


def _hash(secret: str) -> str:
    """Hash without stretching: nobody can guess 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _view(row: OAuthClient) -> OAuthClientView:
    return OAuthClientView(row.id, row.name, row.hashed_secret is not None, row.created_at)
