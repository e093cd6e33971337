"""Devices that a person trusts: each skips the second factor, and nothing else, until its end."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session as Transaction

from app.engine.client import Client
from app.engine.database import Database
from app.engine.errors import NotFound
from app.engine.events import EventKind, Events, Subject
from app.models import TrustedDevice
from app.primitives.clock import Clock
from app.primitives.keyring import Keyring, Purpose

_TOKEN_BYTES = 32
_MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedDeviceView:
    """A trusted device as its owner sees it."""

    id: UUID
    device_name: str | None
    ip_address: str | None
    user_agent: str | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime


class TrustedDevices:
    """Remembers devices by a keyed hash of a token that is bound to the person."""

    def __init__(
        self, *, database: Database, keyring: Keyring, clock: Clock, events: Events, lifetime: timedelta
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._events = events
        self.lifetime = lifetime

    def trust_within(self, transaction: Transaction, user_id: int, client: Client) -> str | None:
        """Trust the calling device and return its token; None where the deployment trusts none.

        Beyond a number of devices the ones that were trusted first are forgotten.
        """
        if not self.lifetime:
            return None
        now, token = self._clock.now(), secrets.token_urlsafe(_TOKEN_BYTES)
        self._make_room(transaction, user_id)
        transaction.add(
            TrustedDevice(
                id=uuid4(),
                user_id=user_id,
                hashed_token=_hashed(self._keyring.signing(Purpose.TRUSTED_DEVICE), user_id, token),
                device_name=client.device_name,
                ip_address=client.ip_address,
                user_agent=client.user_agent,
                created_at=now,
                expires_at=now + self.lifetime,
            )
        )
        self._events.record(transaction, EventKind.DEVICE_TRUSTED, Subject(user_id=user_id), client)
        return token

    def recognizes_within(self, transaction: Transaction, user_id: int, token: str | None) -> bool:
        """Tell whether the token is that of a device which this person trusts, and note its use."""
        if not token or not self.lifetime:
            return False
        hashes = [_hashed(key, user_id, token) for key in self._keyring.verifying(Purpose.TRUSTED_DEVICE)]
        return _changes(
            transaction,
            update(TrustedDevice)
            .where(TrustedDevice.user_id == user_id, TrustedDevice.hashed_token.in_(hashes))
            .where(*self._is_live())
            .values(last_used_at=self._clock.now()),
        )

    def list_live(self, user_id: int) -> Sequence[TrustedDeviceView]:
        """Return the devices that a person trusts, the newest first."""

        def work(transaction: Transaction) -> Sequence[TrustedDeviceView]:
            rows = transaction.scalars(
                select(TrustedDevice)
                .where(TrustedDevice.user_id == user_id, *self._is_live())
                .order_by(TrustedDevice.created_at.desc(), TrustedDevice.id)
            )
            return [_view(row, self.lifetime) for row in rows]

        return self._database.transact(work)

    def revoke(self, user_id: int, device_id: UUID, client: Client) -> None:
        """Stop trusting one of a person's own devices.

        Raises:
            NotFound: there is none, or it is somebody else's: one answer for both.
        """

        def work(transaction: Transaction) -> None:
            own = delete(TrustedDevice).where(TrustedDevice.user_id == user_id, TrustedDevice.id == device_id)
            if not _changes(transaction, own):
                raise NotFound("not a trusted device of this person")
            self._record_end(transaction, user_id, client, count=1)

        self._database.transact(work)

    def revoke_all(self, user_id: int, client: Client) -> int:
        """Stop trusting every device of a person and return how many there were."""

        def work(transaction: Transaction) -> int:
            count = void_trust(transaction, user_id)
            self._record_end(transaction, user_id, client, count=count)
            return count

        return self._database.transact(work)

    def _is_live(self) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        """Return when trust holds: until its end, and no longer than a device is trusted today.

        A lifetime that was shortened since goes for trust that was given before.
        """
        now = self._clock.now()
        return TrustedDevice.expires_at > now, TrustedDevice.created_at > now - self.lifetime

    def _make_room(self, transaction: Transaction, user_id: int) -> None:
        own = select(TrustedDevice.id).where(TrustedDevice.user_id == user_id)
        surplus = list(
            transaction.scalars(own.order_by(TrustedDevice.created_at.desc()).offset(_MOST - 1).limit(_MOST))
        )
        if surplus:
            transaction.execute(delete(TrustedDevice).where(TrustedDevice.id.in_(surplus)))

    def _record_end(self, transaction: Transaction, user_id: int, client: Client, *, count: int) -> None:
        self._events.record(
            transaction, EventKind.DEVICE_UNTRUSTED, Subject(user_id=user_id), client, count=count
        )


def void_trust(transaction: Transaction, user_id: int) -> int:
    """Forget every device that a person trusts and return how many there were."""
    result: Any = transaction.execute(delete(TrustedDevice).where(TrustedDevice.user_id == user_id))
    return int(result.rowcount)


def _hashed(key: bytes, user_id: int, token: str) -> str:
    content = f"{user_id}\n{token}".encode(errors="backslashreplace")
    return hmac.new(key, content, hashlib.sha256).hexdigest()


def _changes(transaction: Transaction, statement: Any) -> bool:
    result: Any = transaction.execute(statement.execution_options(synchronize_session=False))
    return bool(result.rowcount == 1)


def _view(row: TrustedDevice, lifetime: timedelta) -> TrustedDeviceView:
    return TrustedDeviceView(
        id=row.id,
        device_name=row.device_name,
        ip_address=row.ip_address,
        user_agent=row.user_agent,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=min(row.expires_at, row.created_at + lifetime),
    )
