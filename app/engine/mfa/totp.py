"""Authenticator apps: time-based codes, each accepted once (RFC 6238)."""

import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self, TypeVar
from uuid import UUID, uuid4

import pyotp
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session as Transaction

from app.engine.client import Client
from app.engine.errors import InvalidRequest, InvalidSecondFactor, NotFound
from app.engine.mfa.counted import CountedTries
from app.engine.mfa.factor import Effect, Holder, Result
from app.engine.mfa.seals import Seals
from app.models import TotpDevice, User
from app.primitives.clock import Clock
from app.primitives.keyring import Keyring, Purpose

Prepared = TypeVar("Prepared")

_STEP_SECONDS = 30
# A code that was read just before the step ended is still typed in time (RFC 6238 section 5.2).
_STEPS_BACK = 1
_SECRET_LETTERS = 32  # 160 bits in Base32 (RFC 4226 section 4, requirement R6)
_SECRET = re.compile(f"[A-Z2-7]{{{_SECRET_LETTERS}}}")
_SETUP_LIFETIME = timedelta(hours=1)
_MOST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """An authenticator app as its owner sees it."""

    id: UUID
    name: str
    is_confirmed: bool
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What an authenticator app is told; the secret is shown this once."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    issuer: str
    account: str

    @classmethod
    def of(cls, secret: str, *, account: str, issuer: str) -> Self:
        """Return what is told of a secret.

        Raises:
            InvalidSecondFactor: it has not the form of those that are made here.
        """
        if not _SECRET.fullmatch(secret):
            raise InvalidSecondFactor("no secret of an authenticator app")
        uri = pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)
        return cls(secret=secret, uri=uri, issuer=issuer, account=account)


class Totp:
    """The authenticator apps of people. Secrets are sealed for person and row."""

    amr: ClassVar[str] = "otp"
    method: ClassVar[str] = "totp"

    def __init__(self, *, tries: CountedTries, keyring: Keyring, clock: Clock) -> None:
        self._tries = tries
        self._seals = Seals(keyring, Purpose.TOTP_SECRET)
        self._clock = clock

    def is_ready_within(self, transaction: Transaction, user: User) -> bool:
        """Tell whether the person has proven an app."""
        return bool(self._confirmed(transaction, user.id))

    def challenge(self, _holder: Holder, _client: Client) -> None:
        """Send nothing: the app knows the time."""

    def prove(self, holder: Holder, typed: str, effect: Effect[Result], client: Client) -> Result:
        """Accept a code of any of the person's apps, once.

        Raises:
            InvalidSecondFactor: of no app, of another time, or its time step was used before.
        """
        user_id = holder.person.id
        self._tries.reserve(self.method, user_id, client)
        return self._tries.settle(
            self.method,
            user_id,
            spend=lambda transaction: any(
                self._spends(transaction, device, typed) for device in self._confirmed(transaction, user_id)
            ),
            effect=effect,
            client=client,
            refusal=InvalidSecondFactor,
        )

    def remove_within(self, transaction: Transaction, user_id: int) -> int:
        """Forget all of the person's apps."""
        result: Any = transaction.execute(delete(TotpDevice).where(TotpDevice.user_id == user_id))
        return int(result.rowcount)

    def remove_one_within(self, transaction: Transaction, user_id: int, device_id: UUID) -> None:
        """Forget one app.

        Raises:
            NotFound: there is none, or it is somebody else's: one answer for both.
        """
        own = delete(TotpDevice).where(TotpDevice.user_id == user_id, TotpDevice.id == device_id)
        if not _changes(transaction, own):
            raise NotFound("not a device of this person")

    def begin_within(self, transaction: Transaction, user_id: int, name: str) -> str:
        """Make a secret for a new app, which counts for nothing until a code has proven it.

        The person's former unproven one is forgotten.

        Raises:
            InvalidRequest: the person has as many apps as there may be.
        """
        own = TotpDevice.user_id == user_id
        transaction.execute(delete(TotpDevice).where(own, TotpDevice.confirmed_at.is_(None)))
        if (transaction.scalar(select(func.count()).select_from(TotpDevice).where(own)) or 0) >= _MOST:
            raise InvalidRequest(f"there may be at most {_MOST} devices")
        device_id, secret = uuid4(), pyotp.random_base32(_SECRET_LETTERS)
        transaction.add(
            TotpDevice(
                id=device_id,
                user_id=user_id,
                name=name,
                encrypted_secret=self._seals.close(secret.encode(), user_id, device_id),
                last_step=0,
                created_at=self._clock.now(),
            )
        )
        transaction.flush()
        return secret

    def confirm(
        self,
        user_id: int,
        secret: str,
        typed: str,
        client: Client,
        *,
        prepare: Callable[[], Prepared],
        effect: Callable[[Transaction, User, Prepared | None], Result],
    ) -> Result:
        """Let an app count from now on.

        What `effect` needs and takes long is prepared for a right code only, while no transaction is open.

        Raises:
            InvalidSecondFactor: the secret is not the one that was made last, or the code not of it.
            AccountLocked: too many wrong codes.
            what `prepare` raises: the try stays counted, and nothing is spent.
        """
        self._tries.reserve(self.method, user_id, client)
        is_right = self._tries.database.transact(
            lambda transaction: self._proves_new(transaction, user_id, secret, typed) is not None
        )
        prepared = prepare() if is_right else None
        return self._tries.settle(
            self.method,
            user_id,
            spend=lambda transaction: is_right and self._confirm(transaction, user_id, secret, typed),
            effect=lambda transaction, user: effect(transaction, user, prepared),
            client=client,
            refusal=InvalidSecondFactor,
        )

    def list_within(self, transaction: Transaction, user_id: int) -> Sequence[DeviceView]:
        """Return a person's apps, the oldest first, the unproven one included."""
        rows = transaction.scalars(
            select(TotpDevice)
            .where(TotpDevice.user_id == user_id)
            .order_by(TotpDevice.created_at, TotpDevice.id)
        )
        return [
            DeviceView(
                id=row.id,
                name=row.name,
                is_confirmed=row.confirmed_at is not None,
                created_at=row.created_at,
                last_used_at=row.last_used_at,
            )
            for row in rows
        ]

    def _confirm(self, transaction: Transaction, user_id: int, secret: str, typed: str) -> bool:
        device = self._proves_new(transaction, user_id, secret, typed)
        if device is None or not self._spends(transaction, device, typed):
            return False
        device.confirmed_at = self._clock.now()
        transaction.flush()
        return True

    def _proves_new(
        self, transaction: Transaction, user_id: int, secret: str, typed: str
    ) -> TotpDevice | None:
        """Return the unproven app, if this is its secret and a code of it; nothing is spent."""
        device = transaction.scalar(
            select(TotpDevice)
            .where(TotpDevice.user_id == user_id, TotpDevice.confirmed_at.is_(None))
            .where(TotpDevice.created_at > self._clock.now() - _SETUP_LIFETIME)
        )
        made = self._secret(transaction, device) if device is not None else None
        if made is None or not hmac.compare_digest(made.encode(), secret.encode(errors="backslashreplace")):
            return None
        return device if self._step_of(made, typed) is not None else None

    def _confirmed(self, transaction: Transaction, user_id: int) -> Sequence[TotpDevice]:
        return transaction.scalars(
            select(TotpDevice).where(TotpDevice.user_id == user_id, TotpDevice.confirmed_at.is_not(None))
        ).all()

    def _spends(self, transaction: Transaction, device: TotpDevice, typed: str) -> bool:
        """Tell whether this is a code of the device whose time step is now, and only now, used up."""
        secret = self._secret(transaction, device)
        step = self._step_of(secret, typed) if secret is not None else None
        if step is None:
            return False
        # The row count of this statement decides who is first; steps only ever rise.
        return _changes(
            transaction,
            update(TotpDevice)
            .where(TotpDevice.id == device.id, TotpDevice.last_step < step)
            .values(last_step=step, last_used_at=self._clock.now()),
        )

    def _step_of(self, secret: str, typed: str) -> int | None:
        """Return the time step that a code is of, within the window; every step is compared."""
        code = "".join(typed.split()).encode(errors="backslashreplace")
        current = int(self._clock.now().timestamp()) // _STEP_SECONDS
        generator = pyotp.TOTP(secret, interval=_STEP_SECONDS)
        matching = [
            step
            for step in range(current - _STEPS_BACK, current + 1)
            if hmac.compare_digest(generator.generate_otp(step).encode(), code)
        ]
        return max(matching, default=None)

    def _secret(self, transaction: Transaction, device: TotpDevice) -> str | None:
        """Open a secret; one that was sealed with a former key is sealed with today's.

        One that cannot be opened is the secret of no code: the person's other apps go on.
        """
        opened = self._seals.open(device.encrypted_secret, device.user_id, device.id)
        if opened is None:
            return None
        if not opened.is_current:
            device.encrypted_secret = self._seals.close(opened.content, device.user_id, device.id)
            transaction.flush()
        return opened.content.decode()


def _changes(transaction: Transaction, statement: Any) -> bool:
    result: Any = transaction.execute(statement.execution_options(synchronize_session=False))
    return bool(result.rowcount == 1)
