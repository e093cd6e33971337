"""One counted try at a factor: a refusal and its event are committed, and only then raised."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session as Transaction

from app.engine.client import Client
from app.engine.database import Database
from app.engine.errors import InvalidCode
from app.engine.events import EventKind, Events, Subject
from app.engine.login_throttle import LoginThrottle, ThrottleRule
from app.engine.mfa.factor import Effect, Result
from app.engine.proof import lock_active


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedTries:
    """Counts guesses by person and factor, over all sessions and addresses; a right one forgives them."""

    database: Database
    throttle: LoginThrottle
    rule: ThrottleRule
    events: Events

    def reserve(self, factor: str, user_id: int, client: Client) -> None:
        """Count one try.

        Raises:
            AccountLocked: there were too many.
        """
        self.throttle.reserve(_counted(factor, user_id), client.ip_address, self.rule)

    def settle(
        self,
        factor: str,
        user_id: int,
        *,
        spend: Callable[[Transaction], bool],
        effect: Effect[Result],
        client: Client,
        refusal: type[InvalidCode],
    ) -> Result:
        """Spend what was typed and do what it is good for, or record that it was nothing.

        Raises:
            `refusal`: `spend` found nothing to spend.
        """

        def work(transaction: Transaction) -> Result | InvalidCode:
            user = lock_active(transaction, user_id)
            if user is None or not spend(transaction):
                self.events.record(
                    transaction, EventKind.MFA_REFUSED, Subject(user_id=user_id), client, method=factor
                )
                return refusal()
            self.throttle.forgive_within(transaction, _counted(factor, user_id), client.ip_address)
            return effect(transaction, user)

        outcome = self.database.transact(work)
        if isinstance(outcome, InvalidCode):
            raise outcome
        return outcome


def _counted(factor: str, user_id: int) -> str:
    return f"mfa/{factor}/person:{user_id}"
