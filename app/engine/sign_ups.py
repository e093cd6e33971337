"""Signing up: an account, perhaps an organization with it or a place in one, and the first session."""

from app.engine.accounts import Accounts, Registration
from app.engine.client import Client
from app.engine.errors import SecondFactorRequired, Unavailable
from app.engine.grant import Grant, SessionPolicy
from app.engine.invitations import Invitations
from app.engine.organizations import Organizations
from app.engine.proof import Proof, StaleProof
from app.engine.second_factor_rule import SecondFactorRule
from app.engine.sessions import Sessions
from app.primitives.clock import Clock


class SignUps:
    """How people come by themselves and are let in at once."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        organizations: Organizations,
        invitations: Invitations,
        sessions: Sessions,
        second_factor_rule: SecondFactorRule,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._organizations = organizations
        self._invitations = invitations
        self._sessions = sessions
        self._rule = second_factor_rule
        self._clock = clock

    def sign_up(
        self,
        registration: Registration,
        policy: SessionPolicy,
        client: Client,
        *,
        founding: str | None = None,
        confirming_at: str | None = None,
        replacing: str | None = None,
    ) -> Grant:
        """Create a person, with `founding` also an organization of that name, and open the first session.

        The session is in the organization that the person founds or becomes a member of. With
        `confirming_at`, a path that ends before the token, a link that proves the address is mailed.

        Raises:
            SecondFactorRequired: it is asked of everybody, and this policy could not ask; nobody was created.
            what `Accounts.register` and `Sessions.open` raise.

        Transaction: several; if a later one fails, the account exists and the person can log in.
        """
        if self._rule.is_required_of_everybody and not policy.asks_for_second_factor:
            raise SecondFactorRequired("asked of everybody, and a session could never be opened")
        slug, organization_id = registration.organization_slug, None
        if founding is not None:
            person, organization_id = self._accounts.register_founder(registration, founding, client)
        else:
            person = self._accounts.register(registration, client)
            organization_id = self._organizations.find(slug).id if slug is not None else None
        if confirming_at is not None:
            self._invitations.ask_to_confirm(person, organization_id, client, path=confirming_at)
        proof = Proof(
            user_id=person.id,
            epoch=1,
            methods=("pwd",),
            proven_at=self._clock.now(),
            organization_id=organization_id,
        )
        try:
            return self._sessions.open(proof, policy, client, replacing=replacing)
        except StaleProof as error:
            raise Unavailable("the account was changed while it was being opened") from error
