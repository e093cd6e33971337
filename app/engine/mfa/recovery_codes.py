"""Recovery codes: shown once, each good once, for whoever has lost the other factors."""

import hashlib
import hmac
import secrets
import string
from contextlib import AbstractContextManager, nullcontext
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
from app.engine.mfa.seals import Seals
from app.engine.passwords import Passwords
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

    @property
    def is_short(self) -> bool:
        """Tell whether codes of this form are hashed slowly."""
        return self is RecoveryForm.SHORT

    def generate(self) -> str:
        """Return a new code."""
        if self is RecoveryForm.LONG:
            return secrets.token_urlsafe(20)
        return "".join(secrets.choice(_LETTERS) for _ in range(_SHORT))


class RecoveryCodes:
    """The unused recovery codes of people, as salted hashes that are sealed for person and row."""

    amr: ClassVar[str] = "otp"
    method: ClassVar[str] = "recovery"

    def __init__(
        self,
        *,
        database: Database,
        passwords: Passwords,
        tries: CountedTries,
        keyring: Keyring,
        clock: Clock,
        events: Events,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._tries = tries
        self._seals = Seals(keyring, Purpose.RECOVERY_CODE)
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
            Unavailable: too many wait to hash something; the try is not counted.
        """
        user_id, code = holder.person.id, _folded(typed)
        with self.admission(is_short=len(code) <= _SHORT):
            self._tries.reserve(self.method, user_id, client)
            found = self._find(user_id, code)

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
        for hashed in codes.hashes:
            row_id = uuid4()
            sealed = self._seals.close(hashed, user_id, row_id)
            transaction.add(
                RecoveryCode(id=row_id, user_id=user_id, salt=codes.salt, sealed_hash=sealed, created_at=now)
            )
        transaction.flush()

    def admission(self, *, is_short: bool) -> AbstractContextManager[None]:
        """Admit to making or proving codes, of which the short ones are hashed as slowly as passwords.

        Raises:
            Unavailable: as `Passwords.admission`, before anything is counted.
        """
        return self._passwords.admission() if is_short else nullcontext()

    def make(self, form: RecoveryForm) -> "HashedCodes":
        """Return a set of new codes with their hashes; ask for `admission` first.

        Raises:
            Unavailable: too many other hashes were being computed.
        """
        salt = secrets.token_bytes(_SALT_BYTES)
        raw = [form.generate() for _ in range(form.value)]
        return HashedCodes(raw, salt, [self._hashed(salt, code) for code in raw])

    def count_within(self, transaction: Transaction, user_id: int) -> int:
        """Return how many codes are left."""
        own = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user_id)
        return transaction.scalar(own) or 0

    def _find(self, user_id: int, code: str) -> UUID | None:
        """Return the row of a code. The codes of a set share their salt, so this is one hash."""
        rows = self._database.transact(
            lambda transaction: transaction.execute(
                select(RecoveryCode.id, RecoveryCode.salt, RecoveryCode.sealed_hash).where(
                    RecoveryCode.user_id == user_id
                )
            ).all()
        )
        salt = rows[0].salt if rows else bytes(_SALT_BYTES)
        hashed = self._hashed(salt, code)
        opened = [(row.id, self._seals.open(row.sealed_hash, user_id, row.id)) for row in rows]
        found = [row_id for row_id, kept in opened if kept and hmac.compare_digest(kept.content, hashed)]
        return found[0] if found else None

    def _hashed(self, salt: bytes, code: str) -> bytes:
        """Return what is sealed of a code; one of less than 112 bits is stretched (ASVS 6.5.2)."""
        encoded = code.encode(errors="backslashreplace")
        if len(code) > _SHORT:
            return hashlib.sha256(salt + encoded).digest()
        with self._passwords.slot():
            return hash_secret_raw(
                encoded,
                salt,
                time_cost=_TIME_COST,
                memory_cost=_MEMORY_KIB,
                parallelism=_LANES,
                hash_len=32,
                type=Type.ID,
            )


class HashedCodes:
    """A new set of codes: to be shown once, and to be stored."""

    def __init__(self, raw: list[str], salt: bytes, hashes: list[bytes]) -> None:
        self.raw = raw
        self.salt = salt
        self.hashes = hashes


def _folded(typed: str) -> str:
    """Return a code as it was made: short ones are typed by hand, in whatever case."""
    code = typed.strip()
    return code.lower() if len(code) == _SHORT else code
