"""When a second factor is due: by the person's own choice, or because somebody asks for it."""

from sqlalchemy import select
from sqlalchemy.orm import Session as Transaction

from app.engine.proof import Proof
from app.engine.trusted_devices import TrustedDevices
from app.models import Membership, Organization, User

SETTINGS_KEY = "mfa_required"


class SecondFactorRule:
    """Asks for a second factor where the person, an organization or the deployment wants one."""

    def __init__(self, trusted_devices: TrustedDevices, *, required: bool) -> None:
        self._trusted_devices = trusted_devices
        self.is_required_of_everybody = required

    def is_due_within(
        self, transaction: Transaction, user: User, proof: Proof, trust_token: str | None
    ) -> bool:
        """Tell whether a login must still prove a second factor; a device that the person trusts need not."""
        if proof.second_factor or not (user.mfa_enabled or self.is_required_within(transaction, user)):
            return False
        return not self._trusted_devices.recognizes_within(transaction, user.id, trust_token)

    def is_required_within(self, transaction: Transaction, user: User) -> bool:
        """Tell whether the person must have a second factor.

        Any organization that asks for it decides, whichever is the session's: sessions can change theirs.
        """
        if self.is_required_of_everybody or user.attributes.get(SETTINGS_KEY) is True:
            return True
        settings = transaction.scalars(
            select(Organization.settings)
            .join(Membership, Membership.organization_id == Organization.id)
            .where(Membership.user_id == user.id)
        )
        return any(found.get(SETTINGS_KEY) is True for found in settings)
