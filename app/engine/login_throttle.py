"""Failed logins, counted in the database, so that all workers and hosts share the count.

An attempt is counted before the password is looked at and forgiven when it was right: of fifty guesses at
once no more than the limit are ever looked at.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Transaction

from app.engine.database import Database
from app.engine.errors import AccountLocked
from app.models import LoginThrottle as Row
from app.primitives.addresses import counted_network
from app.primitives.clock import Clock
from app.primitives.keyring import Keyring, Purpose
from config import LoginThrottleSettings

_SWEEP_ROWS = 20
_HOUR = timedelta(hours=1)
_EVERY_ADDRESS = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleRule:
    """At most `attempts` within `window`; after that none for `lock`, counted from the last one.

    Each address is counted by itself, one of IPv6 with its whole /64, unless `per_address` is false: then all
    of them together.
    """

    attempts: int
    window: timedelta
    lock: timedelta
    per_address: bool = True


class LoginThrottle:
    """Counts by identifier and address, and by identifier alone, whether or not the account exists."""

    def __init__(
        self, database: Database, keyring: Keyring, clock: Clock, *, account_rule: ThrottleRule
    ) -> None:
        self._database = database
        self._key = keyring.signing(Purpose.LOGIN_THROTTLE)
        self._clock = clock
        self._account_rule = account_rule

    def reserve(self, identifier: str, address: str | None, rule: ThrottleRule) -> None:
        """Count one attempt.

        Raises:
            AccountLocked: there were too many; this one was not counted.

        Transaction: commits.
        Source: OWASP ASVS 6.3.1; NIST SP 800-63B-4 section 3.2.2.
        """
        now = self._clock.now()

        def work(transaction: Transaction) -> None:
            counted = counted_network(address) if rule.per_address else _EVERY_ADDRESS
            self._count(transaction, self._hashed(identifier, counted), rule, now)
            self._count(transaction, self._hashed(identifier, None), self._account_rule, now)
            self._sweep(transaction, now)

        try:
            self._database.transact(work)
        except IntegrityError:
            # Another attempt has put the same row there in this moment; now it can be read.
            self.reserve(identifier, address, rule)

    def reserve_named(self, named: str, holder: str, address: str | None, rule: ThrottleRule) -> bool:
        """Count one attempt by the name that was given and by whose it is; tell whether it may be looked at.

        Where only the count of the holder is full, nobody is told: it would say that two names are one's.

        Raises:
            AccountLocked: too many by that name; neither was counted.

        Transaction: one for each count.
        """
        self.reserve(named, address, rule)
        try:
            if holder != named:
                self.reserve(holder, address, rule)
        except AccountLocked:
            return False
        return True

    def forgive_within(self, transaction: Transaction, identifier: str, address: str | None) -> None:
        """Forget the attempts of a person who has now given the right password from this address."""
        # In the order in which they are counted: any other would deadlock with an attempt of this moment.
        for counted in (counted_network(address), _EVERY_ADDRESS, None):
            transaction.execute(delete(Row).where(Row.key == self._hashed(identifier, counted)))

    def _count(self, transaction: Transaction, key: str, rule: ThrottleRule, now: datetime) -> None:
        row = transaction.get(Row, key, with_for_update=True)
        if row is None:
            row = Row(key=key, attempts=0, window_ends_at=now + rule.window)
            transaction.add(row)
        elif now >= row.window_ends_at:
            row.attempts, row.window_ends_at = 0, now + rule.window
        if row.attempts >= rule.attempts:
            raise AccountLocked(row.window_ends_at - now)
        row.attempts += 1
        if row.attempts == rule.attempts:
            row.window_ends_at = now + rule.lock

    def _sweep(self, transaction: Transaction, now: datetime) -> None:
        """Delete a few rows whose window is over; keys are hashes, so any place to begin is as good.

        Rows that another attempt is counting on just now are passed over, so that nobody waits for a sweep.
        """
        begin = hashlib.sha256(str(now.timestamp()).encode()).hexdigest()
        looked_at = select(Row.key).where(Row.key > begin).order_by(Row.key).limit(_SWEEP_ROWS).subquery()
        over = (
            select(Row.key)
            .where(Row.key.in_(select(looked_at.c.key)), Row.window_ends_at < now)
            .with_for_update(skip_locked=True)
        )
        keys = list(transaction.scalars(over))
        if keys:
            transaction.execute(delete(Row).where(Row.key.in_(keys)))

    def _hashed(self, identifier: str, network: str | None) -> str:
        content = f"{identifier}\n{network or ''}".encode()
        return hmac.new(self._key, content, hashlib.sha256).hexdigest()


def hourly_rule(count: int) -> ThrottleRule:
    """Return the rule for so many messages an hour, whoever asks for them."""
    return ThrottleRule(attempts=count, window=_HOUR, lock=_HOUR, per_address=False)


def throttle_rules(settings: LoginThrottleSettings) -> tuple[ThrottleRule, ThrottleRule]:
    """Return the rule for one identifier from one address, and the rule for an identifier altogether."""
    return (
        ThrottleRule(attempts=settings.attempts, window=settings.window, lock=settings.lock),
        ThrottleRule(
            attempts=settings.account_attempts, window=settings.account_window, lock=settings.account_window
        ),
    )
