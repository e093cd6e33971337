"""The engine put together: everything a contract, a page or a command may ask for."""

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy

from app.delivery import Postbox
from app.engine.accounts import Accounts
from app.engine.breached_passwords import BreachedRange, configured_range
from app.engine.candidates import ANYWHERE, LoginTarget
from app.engine.client import Client
from app.engine.code_messages import CodeMessages
from app.engine.credentials import Credentials
from app.engine.database import ATTEMPTS, Database
from app.engine.errors import InvalidCode, Unavailable
from app.engine.events import Events, RecordedEvent
from app.engine.grant import Grant, SessionPolicy
from app.engine.identifiers import Identifier
from app.engine.introspection import Introspection
from app.engine.invitations import Invitations
from app.engine.login_challenges import LoginChallenges
from app.engine.login_throttle import LoginThrottle, ThrottleRule, throttle_rules
from app.engine.mfa import FactorChanges, Factors, Resealing, SecondFactors
from app.engine.notices import Notices
from app.engine.oauth_clients import OAuthClients
from app.engine.one_time_codes import OneTimeCodes
from app.engine.organizations import Organizations
from app.engine.password_resets import PasswordResets
from app.engine.passwordless import Passwordless
from app.engine.passwords import Passwords
from app.engine.proof import Proof, StaleProof
from app.engine.reauthentication import Reauthentication
from app.engine.second_factor_rule import SecondFactorRule
from app.engine.sessions import Sessions
from app.engine.sign_ups import SignUps
from app.engine.trusted_devices import TrustedDevices
from app.engine.verification import Verification
from app.primitives.clock import Clock
from app.primitives.keyring import Keyring
from config import DatabaseSettings, Settings


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
        breached_passwords: BreachedRange | None = None,
    ) -> None:
        self.service_name = settings.second_factors.issuer
        self.clock = clock
        self.keyring = keyring
        self.postbox = postbox
        self.database = _database(database, settings.database)
        self.events = Events(clock, settings.sessions.event_retention)
        self.login_rule, account_rule = throttle_rules(settings.login_throttle)
        self._throttle = LoginThrottle(self.database, keyring, clock, account_rule=account_rule)
        self._notices = Notices(postbox, self._throttle, per_hour=settings.codes.messages_per_hour)
        self.trusted_devices = self._trusted_devices(settings)
        rule = SecondFactorRule(self.trusted_devices, required=settings.second_factors.required)
        self.sessions = self._sessions(settings, rule)
        self.introspection = Introspection(self.sessions, clock)
        self.oauth_clients = OAuthClients(
            database=self.database, sessions=self.sessions, clock=clock, events=self.events
        )
        self.organizations = Organizations(
            database=self.database, sessions=self.sessions, clock=clock, events=self.events
        )
        passwords = Passwords(settings.passwords, breached_passwords or configured_range(settings.passwords))
        self.accounts = self._accounts(passwords)
        self._add_codes(settings, passwords)
        self._add_second_factors(settings, passwords, rule)
        self.invitations = self._invitations(passwords)
        self.password_resets = self._password_resets(settings, passwords)
        self.sign_up = self._sign_ups(rule).sign_up
        self.reauthentication = self._reauthentication(passwords)
        self.resealing = Resealing(self.database, keyring)

    def _trusted_devices(self, settings: Settings) -> TrustedDevices:
        return TrustedDevices(
            database=self.database,
            keyring=self.keyring,
            clock=self.clock,
            events=self.events,
            lifetime=settings.second_factors.trust_lifetime,
        )

    def _sessions(self, settings: Settings, rule: SecondFactorRule) -> Sessions:
        return Sessions(
            database=self.database,
            keyring=self.keyring,
            clock=self.clock,
            events=self.events,
            notices=self._notices,
            second_factor_rule=rule,
            retention=settings.sessions.retention,
        )

    def _accounts(self, passwords: Passwords) -> Accounts:
        return Accounts(
            database=self.database,
            passwords=passwords,
            sessions=self.sessions,
            organizations=self.organizations,
            clock=self.clock,
            events=self.events,
            notices=self._notices,
        )

    def _add_codes(self, settings: Settings, passwords: Passwords) -> None:
        """Build what is done with passwords, and with codes that were sent."""
        self.codes = OneTimeCodes(
            database=self.database,
            keyring=self.keyring,
            throttle=self._throttle,
            # A guess from any address counts: codes are short, and nobody types one wrong that often.
            rule=replace(self.login_rule, per_address=False),
            clock=self.clock,
            events=self.events,
        )
        self.credentials = self._credentials(passwords)
        self.code_messages = CodeMessages(
            database=self.database,
            codes=self.codes,
            throttle=self._throttle,
            events=self.events,
            postbox=self.postbox,
            public_url=settings.web.public_url,
            lifetime=settings.codes.lifetime,
            per_hour=settings.codes.messages_per_hour,
        )
        self.passwordless = self._passwordless(passwords, is_enabled=settings.codes.passwordless)

    def _add_second_factors(self, settings: Settings, passwords: Passwords, rule: SecondFactorRule) -> None:
        """Build what is done with second factors."""
        factors = Factors(
            settings.second_factors.methods,
            database=self.database,
            keyring=self.keyring,
            clock=self.clock,
            events=self.events,
            rule=rule,
            passwords=passwords,
            codes=self.codes,
            messages=self.code_messages,
            throttle=self._throttle,
            # As for codes that are sent: a new login, or another address, does not begin to count anew.
            throttle_rule=replace(self.login_rule, per_address=False),
        )
        self.second_factors = SecondFactors(
            factors,
            database=self.database,
            notices=self._notices,
            sessions=self.sessions,
            trusted_devices=self.trusted_devices,
        )
        self.login_challenges = LoginChallenges(
            database=self.database, codes=self.codes, second_factors=self.second_factors, clock=self.clock
        )
        self.factor_changes = FactorChanges(
            factors,
            self.second_factors,
            issuer=settings.second_factors.issuer,
            longest_proof_age=settings.second_factors.reauthentication_age,
            database=self.database,
            clock=self.clock,
            events=self.events,
            notices=self._notices,
            sessions=self.sessions,
        )
        self.verification = self._verification(factors)

    def _verification(self, factors: Factors) -> Verification:
        return Verification(
            database=self.database,
            codes=self.codes,
            messages=self.code_messages,
            factors=factors,
            factor_changes=self.factor_changes,
            clock=self.clock,
            events=self.events,
            notices=self._notices,
        )

    def _reauthentication(self, passwords: Passwords) -> Reauthentication:
        return Reauthentication(
            database=self.database,
            passwords=passwords,
            throttle=self._throttle,
            rule=self.login_rule,
            events=self.events,
            sessions=self.sessions,
        )

    def _credentials(self, passwords: Passwords) -> Credentials:
        return Credentials(
            database=self.database,
            passwords=passwords,
            throttle=self._throttle,
            codes=self.codes,
            sessions=self.sessions,
            clock=self.clock,
            events=self.events,
            notices=self._notices,
        )

    def _passwordless(self, passwords: Passwords, *, is_enabled: bool) -> Passwordless:
        return Passwordless(
            database=self.database,
            passwords=passwords,
            codes=self.codes,
            messages=self.code_messages,
            clock=self.clock,
            events=self.events,
            is_enabled=is_enabled,
        )

    def _invitations(self, passwords: Passwords) -> Invitations:
        return Invitations(
            accounts=self.accounts,
            organizations=self.organizations,
            sessions=self.sessions,
            passwords=passwords,
            codes=self.codes,
            messages=self.code_messages,
            credentials=self.credentials,
            verification=self.verification,
            clock=self.clock,
        )

    def _password_resets(self, settings: Settings, passwords: Passwords) -> PasswordResets:
        return PasswordResets(
            database=self.database,
            passwords=passwords,
            codes=self.codes,
            messages=self.code_messages,
            credentials=self.credentials,
            verification=self.verification,
            lifetime=settings.passwords.reset_lifetime,
        )

    def _sign_ups(self, rule: SecondFactorRule) -> SignUps:
        return SignUps(
            accounts=self.accounts,
            organizations=self.organizations,
            invitations=self.invitations,
            sessions=self.sessions,
            second_factor_rule=rule,
            clock=self.clock,
        )

    def log_in(
        self,
        identifier: Identifier,
        password: str,
        policy: SessionPolicy,
        client: Client,
        *,
        target: LoginTarget = ANYWHERE,
        replacing: str | None = None,
        trust_token: str | None = None,
        rule: ThrottleRule | None = None,
    ) -> Grant:
        """Check a password and open a session.

        When every session of the person is ended in between, the password is checked again: it may be another
        one now.

        Raises:
            what `Credentials.prove_password` and `Sessions.open` raise, except StaleProof.
        """
        for _ in range(ATTEMPTS):
            proof = self.credentials.prove_password(
                identifier, password, client, rule or self.login_rule, target=target
            )
            try:
                return self.sessions.open(proof, policy, client, replacing=replacing, trust_token=trust_token)
            except StaleProof:
                continue
        raise Unavailable("the person's sessions are being ended over and over")

    def log_in_with_code(
        self,
        identifier: Identifier,
        code: str,
        policy: SessionPolicy,
        client: Client,
        *,
        target: LoginTarget = ANYWHERE,
        replacing: str | None = None,
        trust_token: str | None = None,
    ) -> Grant:
        """Take a login code back and open a session.

        Raises:
            what `Passwordless.prove` and `open_session` raise.
        """
        proof = self.passwordless.prove(identifier, code, client, target=target)
        return self.open_session(proof, policy, client, replacing=replacing, trust_token=trust_token)

    def open_session(
        self,
        proof: Proof,
        policy: SessionPolicy,
        client: Client,
        *,
        replacing: str | None = None,
        trust_token: str | None = None,
    ) -> Grant:
        """Open a session for a proof that a code has given, and that cannot be given again.

        Raises:
            what `Sessions.open` raises. InvalidCode: every session of the person was ended in between.
        """
        try:
            return self.sessions.open(proof, policy, client, replacing=replacing, trust_token=trust_token)
        except StaleProof as error:
            raise InvalidCode("sessions were ended meanwhile") from error

    def events_of(self, user_id: int, *, limit: int, before_id: int | None = None) -> Sequence[RecordedEvent]:
        """Return what happened to a person's account; see `Events.of_person`."""
        return self.database.transact(
            lambda transaction: self.events.of_person(transaction, user_id, limit=limit, before_id=before_id)
        )


def _database(engine: sqlalchemy.Engine, settings: DatabaseSettings) -> Database:
    return Database(
        engine,
        asynchronous_rotation=settings.asynchronous_rotation,
        answer_limit=settings.answer_timeout,
    )
