"""Recovery codes: shown once, each good once, for whoever has lost the other factors."""

import hashlib
import hmac
import secrets
import string
from enum import Enum
from typing import Any, ClassVar
from uuid import UUID, uuid4

from argon2.low_level import Type, hash_secret_raw
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session as Transaction

from app.engine.client import Client
from app.engine.database import Database
from app.engine.errors import InvalidRecoveryCode
from app.engine.events import EventKind, Events, Subject
from app.engine.mfa.counted import CountedTries
from app.engine.mfa.factor import Effect, Holder, Result
from app.models import RecoveryCode, User
from app.primitives.clock import Clock
from app.primitives.keyring import Keyring, Purpose

_SALT_BYTES = 16
_LETTERS = string.ascii_lowercase + string.digits
_SHORT = 8
# OWASP Password Storage Cheat Sheet. Fixed, because the rows do not say with what they were made.
_TIME_COST, _MEMORY_KIB, _LANES = 2, 19456, 1


class RecoveryForm(Enum):
    """How many codes there are and what they look like, as a contract documents it."""

    LONG = 10
    """Ten of 27 url-safe characters, 160 bits."""
    SHORT = 8
    """Eight of eight lower-case letters and digits, 41 bits."""

    def generate(self) -> str:
        """Return a new code."""
        if self is RecoveryForm.LONG:
            return secrets.token_urlsafe(20)
        return "".join(secrets.choice(_LETTERS) for _ in range(_SHORT))


class RecoveryCodes:
    """The unused recovery codes of people, as salted and keyed hashes."""

    amr: ClassVar[str] = "otp"
    method: ClassVar[str] = "recovery"

    def __init__(
        self, *, database: Database, tries: CountedTries, keyring: Keyring, clock: Clock, events: Events
    ) -> None:
        self._database = database
        self._tries = tries
        self._keyring = keyring
        self._clock = clock
        self._events = events

    def is_ready_within(self, transaction: Transaction, user: User) -> bool:
        """Tell whether the person has unused ones."""
        return self.count_within(transaction, user.id) > 0

    def challenge(self, _holder: Holder, _client: Client) -> None:
        """Send nothing: the person has them on paper."""

    def prove(self, holder: Holder, typed: str, effect: Effect[Result], client: Client) -> Result:
        """Spend a code. Its hash is computed while no transaction is open.

        Raises:
            InvalidRecoveryCode: wrong, or used before.
        """
        user_id = holder.person.id
        self._tries.reserve(self.method, user_id, client)
        found = self._find(user_id, typed)

        def spend(transaction: Transaction) -> bool:
            # The row count of this statement decides who is first.
            own = delete(RecoveryCode).where(RecoveryCode.id == found, RecoveryCode.user_id == user_id)
            result: Any = transaction.execute(own)
            if found is None or result.rowcount != 1:
                return False
            left = self.count_within(transaction, user_id)
            self._events.record(
                transaction, EventKind.RECOVERY_CODE_USED, Subject(user_id=user_id), client, left=left
            )
            return True

        return self._tries.settle(
            self.method, user_id, spend=spend, effect=effect, client=client, refusal=InvalidRecoveryCode
        )

    def remove_within(self, transaction: Transaction, user_id: int) -> int:
        """Forget all of the person's codes."""
        result: Any = transaction.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
        return int(result.rowcount)

    def replace_within(self, transaction: Transaction, user_id: int, codes: "HashedCodes") -> None:
        """Put a new set in the place of the person's former codes."""
        self.remove_within(transaction, user_id)
        now = self._clock.now()
        transaction.add_all(
            RecoveryCode(id=uuid4(), user_id=user_id, salt=codes.salt, hashed_code=hashed, created_at=now)
            for hashed in codes.hashes
        )
        transaction.flush()

    def make(self, user_id: int, form: RecoveryForm) -> "HashedCodes":
        """Return a set of new codes with their hashes; takes as long as that many passwords."""
        salt, key = secrets.token_bytes(_SALT_BYTES), self._keyring.signing(Purpose.RECOVERY_CODE)
        raw = [form.generate() for _ in range(form.value)]
        return HashedCodes(raw, salt, [_hashed(key, user_id, salt, code) for code in raw])

    def count_within(self, transaction: Transaction, user_id: int) -> int:
        """Return how many codes are left."""
        own = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user_id)
        return transaction.scalar(own) or 0

    def _find(self, user_id: int, typed: str) -> UUID | None:
        """Return the row of a code. The codes of a set share their salt, so this is one hash per key."""
        rows = self._database.transact(
            lambda transaction: transaction.execute(
                select(RecoveryCode.id, RecoveryCode.salt, RecoveryCode.hashed_code).where(
                    RecoveryCode.user_id == user_id
                )
            ).all()
        )
        salt = rows[0].salt if rows else bytes(_SALT_BYTES)
        hashes = [
            _hashed(key, user_id, salt, _folded(typed))
            for key in self._keyring.verifying(Purpose.RECOVERY_CODE)
        ]
        found = [row.id for row in rows for hashed in hashes if hmac.compare_digest(row.hashed_code, hashed)]
        return found[0] if found else None


class HashedCodes:
    """A new set of codes: to be shown once, and to be stored."""

    def __init__(self, raw: list[str], salt: bytes, hashes: list[str]) -> None:
        self.raw = raw
        self.salt = salt
        self.hashes = hashes


def _folded(typed: str) -> str:
    """Return a code as it was made: short ones are typed by hand, in whatever case."""
    code = typed.strip()
    return code.lower() if len(code) == _SHORT else code


def _hashed(key: bytes, user_id: int, salt: bytes, code: str) -> str:
    """Return what is stored of a code; one of less than 112 bits is stretched (ASVS 6.5.2)."""
    keyed = hmac.digest(
        key, b"%d\n%b\n%b" % (user_id, salt, code.encode(errors="backslashreplace")), hashlib.sha256
    )
    if len(code) > _SHORT:
        return keyed.hex()
    return hash_secret_raw(
        keyed,
        salt,
        time_cost=_TIME_COST,
        memory_cost=_MEMORY_KIB,
        parallelism=_LANES,
        hash_len=32,
        type=Type.ID,
    ).hex()
