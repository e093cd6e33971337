"""Proving a second factor: to finish a session, or to show again who one is."""

from typing import NamedTuple

from sqlalchemy.orm import Session as Transaction

from app.engine.accounts import locked
from app.engine.client import Client
from app.engine.database import Database
from app.engine.errors import SecondFactorNotEnabled
from app.engine.grant import Grant, SessionPolicy
from app.engine.mfa.factor import Effect, Factor, Holder, Result
from app.engine.mfa.factors import Factors, Status
from app.engine.notices import Notices
from app.engine.sessions import Sessions
from app.engine.snapshot import Snapshot
from app.engine.trusted_devices import TrustedDevices
from app.models import User
from config import FactorMethod


class Passed(NamedTuple):
    """The session with its new rights, and the token of the device if it is trusted from now on."""

    grant: Grant
    trust_token: str | None


class SecondFactors:
    """What people do with the factors they have."""

    def __init__(
        self,
        factors: Factors,
        *,
        database: Database,
        notices: Notices,
        sessions: Sessions,
        trusted_devices: TrustedDevices,
    ) -> None:
        self._factors = factors
        self._database = database
        self._notices = notices
        self._sessions = sessions
        self._trusted_devices = trusted_devices

    @property
    def methods(self) -> tuple[FactorMethod, ...]:
        """What the deployment offers."""
        return tuple(self._factors.by_method)

    def status(self, user_id: int) -> Status:
        """Return where a person stands.

        Raises:
            NotFound: there is no such person any more.
        """
        return self._database.transact(
            lambda transaction: self._factors.status_within(transaction, locked(transaction, user_id))
        )

    def challenge(self, holder: Holder, method: FactorMethod, client: Client) -> None:
        """Send what a factor needs to be proven.

        Raises:
            SecondFactorNotEnabled: the person does not have this one.
            RateLimited: enough was sent for now.
        """
        self._ready(holder, method).challenge(holder, client)

    def prove(
        self, holder: Holder, method: FactorMethod | None, typed: str, effect: Effect[Result], client: Client
    ) -> Result:
        """Take a code of a factor, or without one a recovery code, and do what it is good for.

        Raises:
            SecondFactorNotEnabled, InvalidCode, AccountLocked.
        """
        factor: Factor = self._factors.recovery_codes
        if method is not None:
            factor = self._ready(holder, method)
        elif not self.status(holder.person.id).can_be_recovered:
            raise SecondFactorNotEnabled
        result = factor.prove(holder, typed, effect, client)
        if method is None:
            left = self.status(holder.person.id).recovery_codes_left
            self._notices.recovery_code_used(holder.person, left)
        return result

    def amr(self, method: FactorMethod | None) -> tuple[str, str]:
        """Return what a session says after this factor, or after a recovery code (RFC 8176)."""
        factor: Factor = self._factors.recovery_codes if method is None else self._factors.by_method[method]
        return factor.amr, "mfa"

    def verify(
        self,
        snapshot: Snapshot,
        method: FactorMethod | None,
        typed: str,
        policy: SessionPolicy,
        client: Client,
        *,
        trusts_device: bool,
    ) -> Passed:
        """Finish a session's second factor, or prove one again; every earlier token of it is invalid at once.

        Raises:
            as `prove`. AccessSessionEnded: the session is over.
        """
        session = snapshot.session

        def effect(transaction: Transaction, user: User) -> str | None:
            methods = dict.fromkeys([*session.auth_methods, *self.amr(method)])
            self._sessions.raise_within(transaction, session.id, policy, client, methods=list(methods))
            return self._trusted_devices.trust_within(transaction, user.id, client) if trusts_device else None

        token = self.prove(Holder.of(snapshot), method, typed, effect, client)
        return Passed(self._sessions.grant(session.id, policy), token)

    def _ready(self, holder: Holder, method: FactorMethod) -> Factor:
        """Return a factor that the person has and that is asked for."""
        status = self.status(holder.person.id)
        if not (status.is_enabled or status.is_required) or method not in status.methods:
            raise SecondFactorNotEnabled(method)
        return self._factors.by_method[method]
