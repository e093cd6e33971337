"""What second factors keep at rest: sealed for one person and one row, so that no other row can hold it."""

import logging
from typing import NamedTuple
from uuid import UUID

from app.primitives.keyring import Keyring, Purpose
from app.primitives.sealing import SealBroken, seal, unseal

_log = logging.getLogger(__name__)


class Opened(NamedTuple):
    """What was sealed, and whether the key that signs today had sealed it."""

    content: bytes
    is_current: bool


class Seals:
    """Seals and opens what is kept for one purpose."""

    def __init__(self, keyring: Keyring, purpose: Purpose) -> None:
        self._keyring = keyring
        self._purpose = purpose

    def close(self, content: bytes, user_id: int, row_id: UUID) -> bytes:
        """Return what is stored in this row of this person's."""
        return seal(self._keyring.signing(self._purpose), content, _place(user_id, row_id))

    def open(self, sealed: bytes, user_id: int, row_id: UUID) -> Opened | None:
        """Return what was sealed; None, and a line in the log, if no key opens it in this row."""
        try:
            return Opened(*unseal(self._keyring.verifying(self._purpose), sealed, _place(user_id, row_id)))
        except SealBroken:
            _log.error(
                "the %s of person %d in row %s cannot be opened by any key", self._purpose, user_id, row_id
            )
            return None


def _place(user_id: int, row_id: UUID) -> bytes:
    return f"{user_id}\n{row_id}".encode()
