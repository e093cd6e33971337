"""Proving the password again within a session, for what asks for a recent proof."""

from sqlalchemy.orm import Session as Transaction

from app.engine.accounts import locked
from app.engine.client import Client
from app.engine.database import Database
from app.engine.errors import CurrentPasswordIncorrect
from app.engine.events import EventKind, Events, Subject
from app.engine.grant import Grant, SessionPolicy
from app.engine.login_throttle import LoginThrottle, ThrottleRule
from app.engine.passwords import Passwords
from app.engine.sessions import Sessions
from app.engine.snapshot import Snapshot


class Reauthentication:
    """Takes the password of a signed-in person."""

    def __init__(
        self,
        *,
        database: Database,
        passwords: Passwords,
        throttle: LoginThrottle,
        rule: ThrottleRule,
        events: Events,
        sessions: Sessions,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._throttle = throttle
        self._rule = rule
        self._events = events
        self._sessions = sessions

    def prove(self, snapshot: Snapshot, password: str, policy: SessionPolicy, client: Client) -> Grant:
        """Give the session a proof of this moment; every earlier token of it is invalid.

        The session says of its person only what was proven now: a second factor has to be proven again too.

        Raises:
            CurrentPasswordIncorrect: the attempt is counted.
            AccountLocked: there were too many.
            AccessSessionEnded: the session is over.
            Unavailable: too many passwords wait to be hashed; the attempt is not counted.

        Transaction: none is open while the password is being hashed; a refusal is committed with its event.
        """
        user_id, counted = snapshot.person.id, f"person:{snapshot.person.id}"
        with self._passwords.admission():
            self._throttle.reserve(counted, client.ip_address, self._rule)
            hashed = self._database.transact(lambda transaction: locked(transaction, user_id).hashed_password)
            is_right = self._passwords.verify(hashed, password)

        def work(transaction: Transaction) -> bool:
            if not is_right or locked(transaction, user_id).hashed_password != hashed:
                subject = Subject(user_id=user_id, session_id=snapshot.session.id)
                self._events.record(transaction, EventKind.PASSWORD_REFUSED, subject, client)
                return False
            self._throttle.forgive_within(transaction, counted, client.ip_address)
            self._sessions.raise_within(transaction, snapshot.session.id, policy, client, methods=["pwd"])
            return True

        if not self._database.transact(work):
            raise CurrentPasswordIncorrect
        return self._sessions.grant(snapshot.session.id, policy)
