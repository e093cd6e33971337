"""The engine put together: everything a contract, a page or a command may ask for."""

from collections.abc import Callable

import sqlalchemy

from app.delivery import Postbox
from app.engine.accounts import Accounts, Registration
from app.engine.client import Client
from app.engine.credentials import Credentials
from app.engine.database import ATTEMPTS, Database
from app.engine.errors import Unavailable
from app.engine.events import Events
from app.engine.grant import Grant, SessionPolicy
from app.engine.identifiers import Identifier
from app.engine.introspection import Introspection
from app.engine.login_throttle import LoginThrottle, ThrottleRule
from app.engine.oauth_clients import OAuthClients
from app.engine.organizations import Organizations
from app.engine.passwords import Passwords
from app.engine.proof import Proof, StaleProof
from app.engine.sessions import Sessions
from app.engine.snapshot import PersonRow
from app.primitives.clock import Clock
from app.primitives.keyring import Keyring
from config import DatabaseSettings, LoginThrottleSettings, Settings


class Engine:
    """One deployment's rules over one database. Safe to share between threads."""

    def __init__(
        self,
        settings: Settings,
        database: sqlalchemy.Engine,
        *,
        keyring: Keyring,
        clock: Clock,
        postbox: Postbox,
    ) -> None:
        self.clock = clock
        self.keyring = keyring
        self.postbox = postbox
        self.database = _database(database, settings.database)
        self.events = Events(clock, settings.sessions.event_retention)
        self.sessions = Sessions(
            database=self.database,
            keyring=keyring,
            clock=clock,
            events=self.events,
            postbox=postbox,
            retention=settings.sessions.retention,
        )
        self.introspection = Introspection(self.sessions, clock)
        self.oauth_clients = OAuthClients(
            database=self.database, sessions=self.sessions, clock=clock, events=self.events
        )
        self.login_rule, account_rule = _throttle_rules(settings.login_throttle)
        self.organizations = Organizations(
            database=self.database, sessions=self.sessions, clock=clock, events=self.events
        )
        passwords = Passwords(settings.passwords)
        self.accounts = Accounts(
            database=self.database,
            passwords=passwords,
            sessions=self.sessions,
            organizations=self.organizations,
            clock=clock,
            events=self.events,
        )
        self.credentials = self._credentials(passwords, account_rule)

    def _credentials(self, passwords: Passwords, account_rule: ThrottleRule) -> Credentials:
        return Credentials(
            database=self.database,
            passwords=passwords,
            throttle=LoginThrottle(self.database, self.keyring, self.clock, account_rule=account_rule),
            sessions=self.sessions,
            clock=self.clock,
            events=self.events,
            postbox=self.postbox,
        )

    def log_in(
        self,
        identifier: Identifier,
        password: str,
        policy: SessionPolicy,
        client: Client,
        *,
        organization_slug: str | None = None,
        replacing: str | None = None,
        rule: ThrottleRule | None = None,
        admits: Callable[[PersonRow], bool] | None = None,
    ) -> Grant:
        """Check a password and open a session.

        When every session of the person is ended in between, the password is checked again: it may be another
        one now.

        Raises:
            what `Credentials.prove_password` and `Sessions.open` raise, except StaleProof.
        """
        for _ in range(ATTEMPTS):
            proof = self.credentials.prove_password(
                identifier,
                password,
                client,
                rule or self.login_rule,
                organization_slug=organization_slug,
                admits=admits,
            )
            try:
                return self.sessions.open(proof, policy, client, replacing=replacing)
            except StaleProof:
                continue
        raise Unavailable("the person's sessions are being ended over and over")

    def sign_up(
        self,
        registration: Registration,
        policy: SessionPolicy,
        client: Client,
        *,
        founding: str | None = None,
        replacing: str | None = None,
    ) -> Grant:
        """Create a person, with `founding` also an organization of that name, and open the first session.

        Raises:
            what `Accounts.register` and `Sessions.open` raise.

        Transaction: two; if the second fails, the account exists and the person can log in.
        """
        organization_id = None
        if founding is None:
            person = self.accounts.register(registration, client)
        else:
            person, organization_id = self.accounts.register_founder(registration, founding, client)
        proof = Proof(
            user_id=person.id,
            epoch=1,
            methods=("pwd",),
            proven_at=self.clock.now(),
            organization_id=organization_id,
        )
        try:
            return self.sessions.open(proof, policy, client, replacing=replacing)
        except StaleProof as error:
            raise Unavailable("the account was changed while it was being opened") from error


def _database(engine: sqlalchemy.Engine, settings: DatabaseSettings) -> Database:
    return Database(
        engine,
        asynchronous_rotation=settings.asynchronous_rotation,
        answer_limit=settings.answer_timeout,
    )


def _throttle_rules(settings: LoginThrottleSettings) -> tuple[ThrottleRule, ThrottleRule]:
    """Return the rule for one identifier from one address, and the rule for an identifier altogether."""
    return (
        ThrottleRule(attempts=settings.attempts, window=settings.window, lock=settings.lock),
        ThrottleRule(
            attempts=settings.account_attempts, window=settings.account_window, lock=settings.account_window
        ),
    )
