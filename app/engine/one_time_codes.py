"""Codes and links that are sent to a person and may be used once, for one purpose, by that person.

A code that people type is short: five wrong guesses burn it, and guesses are counted per person and purpose
over all codes and addresses. A token in a link has 256 random bits, so nothing is counted against it.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, literal, select, update
from sqlalchemy.orm import Session as Transaction

from app.engine.client import Client
from app.engine.code_forms import CodeForm, folded, generate, hash_code, read_token, write_token
from app.engine.database import Database
from app.engine.errors import CodeExpired, InvalidCode
from app.engine.events import EventKind, Events, Subject
from app.engine.login_throttle import LoginThrottle, ThrottleRule
from app.engine.proof import NOBODY, lock_active, lock_person
from app.models import OneTimeCode, User
from app.primitives.clock import Clock
from app.primitives.keyring import Keyring
from app.primitives.keyring import Purpose as KeyPurpose

Result = TypeVar("Result")

TRIES = 5
_SWEEP_ROWS = 20
# A code stays known for a while after its end, so that whoever holds it is told that it came too late.
_KEPT_EXPIRED = timedelta(days=1)


class CodePurpose(StrEnum):
    """What a code is good for; it is good for nothing else."""

    EMAIL_VERIFICATION = "email-verification"
    PHONE_VERIFICATION = "phone-verification"
    PASSWORD_RESET_CODE = "password-reset-code"
    PASSWORD_RESET = "password-reset"
    PASSWORD_CHANGE = "password-change"
    PASSWORDLESS = "passwordless"
    INVITATION = "invitation"
    MFA_CHALLENGE = "mfa-challenge"
    MFA_EMAIL = "mfa-email"
    MFA_SMS = "mfa-sms"


# Whoever holds one of these needs nothing else to get in, or past the password.
LETS_IN = (CodePurpose.PASSWORD_RESET_CODE, CodePurpose.PASSWORD_RESET, CodePurpose.PASSWORDLESS)


class Redeemed(NamedTuple):
    """A code that is being spent: whose it was, under the person's lock, and what was stored with it."""

    user: User
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One counted try at something that a token stands for; the token itself is not spent yet."""

    code_id: UUID
    user_id: int
    payload: dict[str, Any]


class OneTimeCodes:
    """Issues and redeems codes. Only a keyed hash of a code is stored."""

    def __init__(
        self,
        *,
        database: Database,
        keyring: Keyring,
        throttle: LoginThrottle,
        rule: ThrottleRule,
        clock: Clock,
        events: Events,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._throttle = throttle
        self._rule = rule
        self._clock = clock
        self._events = events

    def issue_within(
        self,
        transaction: Transaction,
        purpose: CodePurpose,
        user_id: int | None,
        *,
        form: CodeForm,
        lifetime: timedelta,
        payload: dict[str, Any] | None = None,
    ) -> str:
        """Return a new code in the place of the person's former one for this purpose.

        Guesses that were counted before stay counted. Without an active person the same statements are run,
        but store nothing: such a code is never good.
        """
        holder = user_id or NOBODY
        user = lock_active(transaction, user_id)
        void_codes(transaction, holder, purpose)
        self._sweep(transaction)
        code_id, secret, now = uuid4(), generate(form), self._clock.now()
        key = self._keyring.signing(KeyPurpose.ONE_TIME_CODE)
        values = {
            OneTimeCode.id: code_id,
            OneTimeCode.user_id: holder,
            OneTimeCode.purpose: purpose,
            OneTimeCode.hashed_code: hash_code(key, purpose, holder, code_id, folded(secret, form)),
            OneTimeCode.payload: payload or {},
            OneTimeCode.tries_left: TRIES,
            OneTimeCode.created_at: now,
            OneTimeCode.expires_at: now + lifetime,
        }
        row = select(*(literal(value, column.type) for column, value in values.items())).where(
            literal(user is not None)
        )
        transaction.execute(insert(OneTimeCode).from_select(list(values), row))
        return write_token(code_id, secret) if form is CodeForm.TOKEN else secret

    def redeem(
        self,
        purpose: CodePurpose,
        user_id: int | None,
        typed: str,
        effect: Callable[[Transaction, Redeemed], Result],
        client: Client,
        *,
        claimed: object = "",
    ) -> Result:
        """Spend a code that was typed, and in the same transaction do what it is good for.

        Where `effect` raises, nothing is spent. Without a `user_id` the same work is done and the same is
        answered and counted as for a wrong code. `claimed` is the name that was given, if one was.

        Raises:
            InvalidCode: wrong, used, replaced, burnt or never issued; or not looked at, because of too many
                guesses at this person's codes by another name, which must not tell whose it is.
            CodeExpired: it was the right code, but too late.
            AccountLocked: too many guesses at codes for this purpose, by this name or at oneself.

        Transaction: one or two that count the guess, then one for all the rest, which is committed when it
        raises what is named here.
        """
        holder = f"{purpose}/{f'person:{user_id}' if user_id is not None else f'nobody:{claimed}'}"
        named = f"{purpose}/{claimed}" if claimed else holder
        if not self._throttle.reserve_named(named, holder, client.ip_address, self._rule):
            user_id = None

        def work(transaction: Transaction) -> Result | InvalidCode:
            user = lock_active(transaction, user_id)
            row = transaction.scalar(
                select(OneTimeCode).where(
                    OneTimeCode.user_id == (user_id or NOBODY), OneTimeCode.purpose == purpose
                )
            )
            matches = self._matches(row, folded(typed, CodeForm.DIGITS))
            refused = self._spend(transaction, row if matches and user is not None else None)
            if refused is not None or row is None or user is None:
                self._count_wrong(transaction, purpose, user_id, client)
                return refused or InvalidCode()
            for counted in dict.fromkeys((named, holder)):
                self._throttle.forgive_within(transaction, counted, client.ip_address)
            return effect(transaction, Redeemed(user, row.payload))

        return _raised(self._database.transact(work))

    def redeem_token(
        self,
        purpose: CodePurpose,
        raw: str,
        effect: Callable[[Transaction, Redeemed], Result],
        client: Client,
    ) -> Result:
        """Spend a token that names its own person, and in the same transaction do what it is good for.

        Where `effect` raises, nothing is spent.

        Raises:
            InvalidCode, CodeExpired: as for `redeem`.

        Transaction: one.
        """

        def work(transaction: Transaction) -> Result | InvalidCode:
            row = self._row_of(transaction, purpose, raw)
            user = lock_active(transaction, row.user_id if row is not None else None)
            refused = self._spend(transaction, row if user is not None else None)
            if refused is not None or row is None or user is None:
                self._record_refusal(transaction, purpose, row.user_id if row else None, client)
                return refused or InvalidCode()
            return effect(transaction, Redeemed(user, row.payload))

        return _raised(self._database.transact(work))

    def holder_of(
        self, purpose: CodePurpose, raw: str, client: Client, *, into_organization: bool = False
    ) -> int:
        """Return whose good token this is, and spend nothing.

        Raises:
            InvalidCode, CodeExpired: as for `redeem`. With `into_organization` the former also of a token
                that leads into none.

        Transaction: one, which records a refusal.
        """

        def work(transaction: Transaction) -> int | InvalidCode:
            row = self._row_of(transaction, purpose, raw)
            leads_on = row is not None and (not into_organization or bool(row.payload.get("organization_id")))
            if row is not None and leads_on and row.expires_at > self._clock.now():
                return row.user_id
            self._record_refusal(transaction, purpose, row.user_id if row else None, client)
            return CodeExpired() if leads_on else InvalidCode()

        return _raised(self._database.transact(work))

    def attempt(self, purpose: CodePurpose, raw: str, client: Client) -> Attempt:
        """Count one try at what a token stands for, without spending the token.

        After five tries the token is worthless. `spend_within` spends it when the try was good.

        Raises:
            InvalidCode: no such token, expired, spent, or out of tries.

        Transaction: commits, so that fifty tries at once are still five.
        """

        def work(transaction: Transaction) -> Attempt | InvalidCode:
            row = self._row_of(transaction, purpose, raw)
            user = lock_active(transaction, row.user_id if row is not None else None)
            if row is None or user is None or not self._take_try(transaction, row.id):
                self._record_refusal(transaction, purpose, row.user_id if row else None, client)
                return InvalidCode()
            return Attempt(row.id, row.user_id, row.payload)

        return _raised(self._database.transact(work))

    def spend_within(self, transaction: Transaction, attempt: Attempt) -> None:
        """Spend the token of a try that was good; of several at once, one succeeds.

        Raises:
            InvalidCode: another has spent it, or it was replaced.
        """
        lock_person(transaction, attempt.user_id)
        if not _changed(transaction, delete(OneTimeCode).where(OneTimeCode.id == attempt.code_id)):
            raise InvalidCode

    def _row_of(self, transaction: Transaction, purpose: CodePurpose, raw: str) -> OneTimeCode | None:
        """Return the row of a genuine token, even if it has expired."""
        parsed = read_token(raw)
        if parsed is None:
            return None
        code_id, secret = parsed
        row = transaction.get(OneTimeCode, code_id)
        if row is None or row.purpose != purpose or not self._matches(row, secret):
            return None
        return row

    def _matches(self, row: OneTimeCode | None, secret: str) -> bool:
        """Tell whether this is the row's code; costs the same work where there is no row."""
        purpose, user_id, code_id, stored = (
            (row.purpose, row.user_id, row.id, row.hashed_code) if row else ("", NOBODY, UUID(int=0), "")
        )
        return any(
            hmac.compare_digest(hash_code(key, purpose, user_id, code_id, secret), stored)
            for key in self._keyring.verifying(KeyPurpose.ONE_TIME_CODE)
        )

    def _spend(self, transaction: Transaction, row: OneTimeCode | None) -> InvalidCode | None:
        """Delete the row of a right code; the one statement whose row count decides who is first."""
        now = self._clock.now()
        if row is not None and row.tries_left > 0 and row.expires_at <= now:
            return CodeExpired()
        spent = delete(OneTimeCode).where(
            OneTimeCode.id == (row.id if row is not None else UUID(int=0)),
            OneTimeCode.tries_left > 0,
            OneTimeCode.expires_at > now,
        )
        return None if _changed(transaction, spent) else InvalidCode()

    def _take_try(self, transaction: Transaction, code_id: UUID) -> bool:
        return _changed(
            transaction,
            update(OneTimeCode)
            .where(
                OneTimeCode.id == code_id,
                OneTimeCode.tries_left > 0,
                OneTimeCode.expires_at > self._clock.now(),
            )
            .values(tries_left=OneTimeCode.tries_left - 1),
        )

    def _count_wrong(
        self, transaction: Transaction, purpose: CodePurpose, user_id: int | None, client: Client
    ) -> None:
        transaction.execute(
            update(OneTimeCode)
            .where(OneTimeCode.user_id == (user_id or NOBODY), OneTimeCode.purpose == purpose)
            .values(tries_left=OneTimeCode.tries_left - 1)
        )
        self._record_refusal(transaction, purpose, user_id, client)

    def _record_refusal(
        self, transaction: Transaction, purpose: CodePurpose, user_id: int | None, client: Client
    ) -> None:
        self._events.record(
            transaction, EventKind.CODE_REFUSED, Subject(user_id=user_id), client, purpose=purpose
        )

    def _sweep(self, transaction: Transaction) -> None:
        """Delete a few codes that ended long ago."""
        ended_before = self._clock.now() - _KEPT_EXPIRED
        old = select(OneTimeCode.id).where(OneTimeCode.expires_at < ended_before)
        ids = list(transaction.scalars(old.order_by(OneTimeCode.expires_at).limit(_SWEEP_ROWS)))
        if ids:
            transaction.execute(delete(OneTimeCode).where(OneTimeCode.id.in_(ids)))


def void_codes(transaction: Transaction, user_id: int, *purposes: CodePurpose) -> None:
    """Make a person's codes for these purposes worthless; without any purpose, all codes."""
    statement = delete(OneTimeCode).where(OneTimeCode.user_id == user_id)
    if purposes:
        statement = statement.where(OneTimeCode.purpose.in_(purposes))
    transaction.execute(statement)


def _changed(transaction: Transaction, statement: Any) -> bool:
    result: Any = transaction.execute(statement.execution_options(synchronize_session=False))
    return bool(result.rowcount == 1)


def _raised(outcome: Result | InvalidCode) -> Result:
    """Raise a refusal now that what it counted is committed."""
    if isinstance(outcome, InvalidCode):
        raise outcome
    return outcome
