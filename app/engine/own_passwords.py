"""The password that a person has: what another one is decided by, and whether somebody knows it."""

from dataclasses import dataclass, field

from sqlalchemy.orm import Session as Transaction

from app.engine.accounts import locked, person_row
from app.engine.candidates import rules_of
from app.engine.client import Client
from app.engine.database import Database
from app.engine.errors import CurrentPasswordIncorrect, PasswordUnchanged
from app.engine.events import EventKind, Events, Subject
from app.engine.login_throttle import LoginThrottle, ThrottleRule
from app.engine.password_rules import PasswordRules
from app.engine.passwords import Passwords
from app.engine.snapshot import PersonRow
from app.primitives.clock import Clock


@dataclass(frozen=True, slots=True)
class Standing:
    """A person whose password is to be replaced, as they stood when it was decided; perhaps it has to be."""

    person: PersonRow
    hashed: str | None = field(repr=False)
    rules: PasswordRules
    is_due: bool


class OwnPasswords:
    """What everything that takes or asks for a password of somebody known has in common.

    Whoever calls asks for `Passwords.admission` first, once for all that is to be hashed.
    """

    def __init__(
        self,
        *,
        database: Database,
        passwords: Passwords,
        throttle: LoginThrottle,
        clock: Clock,
        events: Events,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._throttle = throttle
        self._clock = clock
        self._events = events

    def standing(self, user_id: int) -> Standing:
        """Return what a new or first password of a person is decided by.

        Raises:
            NotFound: there is no such person any more.
        """

        def work(transaction: Transaction) -> Standing:
            user = locked(transaction, user_id)
            rules = rules_of(transaction, user_id, self._passwords.rules)
            chosen_at = user.password_changed_at or user.created_at
            is_due = user.must_change_password or rules.have_expired(chosen_at, self._clock.now())
            return Standing(person_row(user), user.hashed_password, rules, is_due)

        return self._database.transact(work)

    def check_current(self, standing: Standing, current: str, client: Client, rule: ThrottleRule) -> None:
        """Make sure that a person knows the password.

        Raises:
            CurrentPasswordIncorrect: the attempt is counted.
            AccountLocked: too many were wrong.

        Transaction: as for `prove_password`.
        """
        user_id, counted = standing.person.id, f"person:{standing.person.id}"
        self._throttle.reserve(counted, client.ip_address, rule)
        is_right = self._passwords.verify(standing.hashed, current)

        def work(transaction: Transaction) -> None:
            if is_right:
                self._throttle.forgive_within(transaction, counted, client.ip_address)
            else:
                subject = Subject(user_id=user_id)
                self._events.record(transaction, EventKind.PASSWORD_REFUSED, subject, client)

        self._database.transact(work)
        if not is_right:
            raise CurrentPasswordIncorrect

    def hash_new(self, standing: Standing, new: str) -> str:
        """Check a new password against the person's rules and hash it, outside any transaction.

        Raises:
            PasswordRefused.
        """
        person = standing.person
        self._passwords.check_policy(
            new, person.email, person.phone, person.username, person.name, rules=standing.rules
        )
        return self._passwords.hash(new)

    def hash_next(self, standing: Standing, new: str) -> str:
        """Do the same where nobody was asked for the password there is, which may be due for a change.

        Raises:
            PasswordRefused.
            PasswordUnchanged: it is the one that is due.
        """
        hashed = self.hash_new(standing, new)
        # Asked last, so that no list of passwords that will not do can be tried against the one there is.
        if standing.is_due and self._passwords.verify(standing.hashed, new):
            raise PasswordUnchanged
        return hashed
