"""Sealing anew, under the signing key, what a former key has sealed: then that key can be dropped."""

from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.orm import Session as Transaction

from app.engine.database import Database
from app.engine.mfa.seals import Seals
from app.models import RecoveryCode, TotpDevice
from app.primitives.keyring import Keyring, Purpose

_ROWS_IN_A_SLICE = 500
_BEGINNING = UUID(int=0)


class Resealed(NamedTuple):
    """How many rows were sealed anew, and how many no key opens."""

    renewed: int
    unopened: int


class _Column(NamedTuple):
    """Where something sealed is kept."""

    model: type[TotpDevice | RecoveryCode]
    content: InstrumentedAttribute[bytes]
    purpose: Purpose


_COLUMNS = (
    _Column(TotpDevice, TotpDevice.encrypted_secret, Purpose.TOTP_SECRET),
    _Column(RecoveryCode, RecoveryCode.sealed_hash, Purpose.RECOVERY_CODE),
)


class Resealing:
    """Goes through everything that is sealed."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    def run(self) -> Resealed:
        """Seal anew whatever is not under the signing key; what no key opens stays as it is, and is logged.

        It may run beside the service, and again. A row that is changed or deleted meanwhile is left alone.

        Raises:
            Unavailable: the database went away; the slices before stay sealed anew.

        Transaction: one for each slice, so that nothing waits long.
        """
        renewed = unopened = 0
        for column in _COLUMNS:
            position: UUID | None = _BEGINNING
            while position is not None:
                position, done = self._database.transact(partial(self._slice, column, position))
                renewed, unopened = renewed + done.renewed, unopened + done.unopened
        return Resealed(renewed, unopened)

    def _slice(
        self, column: _Column, position: UUID, transaction: Transaction
    ) -> tuple[UUID | None, Resealed]:
        model, content, purpose = column
        seals = Seals(self._keyring, purpose)
        rows = transaction.execute(
            select(model.id, model.user_id, content)
            .where(model.id > position)
            .order_by(model.id)
            .limit(_ROWS_IN_A_SLICE)
        ).all()
        renewed = unopened = 0
        for row_id, user_id, sealed in rows:
            opened = seals.open(sealed, user_id, row_id)
            if opened is None:
                unopened += 1
            elif not opened.is_current:
                # Only what was read is replaced: a code may be spent, or an app removed, at this moment.
                unchanged = update(model).where(model.id == row_id, content == sealed)
                renewal = unchanged.values({content: seals.close(opened.content, user_id, row_id)})
                result: Any = transaction.execute(renewal.execution_options(synchronize_session=False))
                renewed += result.rowcount
        return (rows[-1].id if rows else None), Resealed(renewed, unopened)
