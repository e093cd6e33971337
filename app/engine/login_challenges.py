"""Logins that wait for a second factor without a session: a token stands for what was proven so far."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session as Transaction

from app.engine.accounts import person_row
from app.engine.client import Client
from app.engine.code_forms import CodeForm
from app.engine.database import Database
from app.engine.errors import InvalidCode
from app.engine.mfa import Holder, SecondFactors
from app.engine.one_time_codes import CodePurpose, OneTimeCodes
from app.engine.proof import Proof
from app.models import User
from app.primitives.clock import Clock
from config import FactorMethod

_LIFETIME = timedelta(minutes=5)
_DIGITS = 6
_HOLDER = "login"


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """An open request to prove a second factor; the token is good for one login and five tries."""

    token: str = field(repr=False)
    lifetime: timedelta


class LoginChallenges:
    """Issues challenges and takes the answers."""

    def __init__(
        self, *, database: Database, codes: OneTimeCodes, second_factors: SecondFactors, clock: Clock
    ) -> None:
        self._database = database
        self._codes = codes
        self._second_factors = second_factors
        self._clock = clock

    def issue(self, proof: Proof, client: Client) -> Challenge:
        """Ask the person of a proof for a second factor; a factor whose code is sent is sent one.

        Raises:
            RateLimited: enough codes were sent for now.
        """
        method = next(iter(self._second_factors.status(proof.user_id).methods), None)
        if method not in {None, FactorMethod.TOTP}:
            self._second_factors.challenge(self._holder(proof.user_id), method, client)
        payload = {
            "epoch": proof.epoch,
            "methods": list(proof.methods),
            "organization_id": str(proof.organization_id) if proof.organization_id else None,
            "factor": method,
        }
        token = self._database.transact(
            lambda transaction: self._codes.issue_within(
                transaction,
                CodePurpose.MFA_CHALLENGE,
                proof.user_id,
                form=CodeForm.TOKEN,
                lifetime=_LIFETIME,
                payload=payload,
            )
        )
        return Challenge(token=token, lifetime=_LIFETIME)

    def answer(self, token: str, typed: str, client: Client) -> Proof:
        """Take six digits of the person's factor, or else a recovery code, and return the whole proof.

        Raises:
            InvalidCode, or one of its kinds: the challenge is over, or the code wrong or used.
            AccountLocked: too many guesses at this person's factor, over all challenges.
            SecondFactorNotEnabled: it was switched off meanwhile.

        Transaction: the try is committed before the code is looked at; code and challenge are spent in one.
        """
        attempt = self._codes.attempt(CodePurpose.MFA_CHALLENGE, token, client)
        payload = attempt.payload
        is_code = len(typed) == _DIGITS and typed.isdigit() and payload["factor"] is not None
        method = FactorMethod(payload["factor"]) if is_code else None

        def effect(transaction: Transaction, _user: User) -> None:
            self._codes.spend_within(transaction, attempt)

        self._second_factors.prove(self._holder(attempt.user_id), method, typed, effect, client)
        organization_id = payload["organization_id"]
        return Proof(
            user_id=attempt.user_id,
            epoch=payload["epoch"],
            methods=tuple(dict.fromkeys([*payload["methods"], *self._second_factors.amr(method)])),
            proven_at=self._clock.now(),
            organization_id=UUID(organization_id) if organization_id else None,
            second_factor=True,
        )

    def _holder(self, user_id: int) -> Holder:
        def work(transaction: Transaction) -> Holder:
            user = transaction.get(User, user_id)
            if user is None:
                raise InvalidCode("the person is gone")
            return Holder(person_row(user), _HOLDER)

        return self._database.transact(work)
