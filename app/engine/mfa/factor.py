"""What every factor can do: the same four verbs."""

from collections.abc import Callable
from typing import ClassVar, NamedTuple, Protocol, Self, TypeVar

from sqlalchemy.orm import Session as Transaction

from app.engine.client import Client
from app.engine.snapshot import PersonRow, Snapshot
from app.models import User

Result = TypeVar("Result")
Effect = Callable[[Transaction, User], Result]


class Holder(NamedTuple):
    """Who proves a factor, and what for: the session or the login that a sent code belongs to."""

    person: PersonRow
    purpose: str

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        """Return the person of a session, on behalf of that session."""
        return cls(snapshot.person, str(snapshot.session.id))


class Factor(Protocol):
    """One way to prove a second factor.

    `amr` is what a session says of it afterwards (RFC 8176).
    """

    amr: ClassVar[str]

    def is_ready_within(self, transaction: Transaction, user: User) -> bool:
        """Tell whether the person can prove this factor now."""
        ...

    def challenge(self, holder: Holder, client: Client) -> None:
        """Send what the person needs for it, if anything.

        Raises:
            RateLimited: enough was sent for now.
        """
        ...

    def prove(self, holder: Holder, typed: str, effect: Effect[Result], client: Client) -> Result:
        """Take a code and, in the transaction that spends it, do what it is good for.

        Where `effect` raises, nothing is spent.

        Raises:
            InvalidCode, one of its kinds: wrong, used before, or too late. Committed with its event.
            AccountLocked: too many guesses at this person's factor, in whatever sessions.
        """
        ...

    def remove_within(self, transaction: Transaction, user_id: int) -> int:
        """Forget what the person has enrolled and return how much it was."""
        ...
