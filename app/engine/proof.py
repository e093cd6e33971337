"""What a login has proven, and the lock under which it becomes a session."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session as Transaction

from app.engine.errors import (
    AccountDeleted,
    AccountSuspended,
    InvalidClient,
    MembershipLost,
    OrganizationSuspended,
    PasswordChangeRequired,
    SecondFactorRequired,
)
from app.models import Membership, OAuthClient, Organization, OrganizationStatus, PersonStatus, User

# The id of no person: the rows of people count from one.
NOBODY = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A person has proven who they are, in a certain epoch of the account.

    `second_factor`: a second factor was among the proof, so that none is due any more.
    """

    user_id: int
    epoch: int
    methods: tuple[str, ...]
    proven_at: datetime
    organization_id: UUID | None = None
    second_factor: bool = False


class StaleProof(Exception):
    """Since the proof, every session of the person was ended; the proof must be given again."""


class SecondFactorDue(SecondFactorRequired):
    """The proof is good, but the contract wants a second factor before it opens a session.

    A refusal like its kind for a view that does not go on from here; so is `PasswordDue`.
    """

    def __init__(self, proof: Proof) -> None:
        super().__init__("before there is a session")
        self.proof = proof


class PasswordDue(PasswordChangeRequired):
    """The proof is good, but the contract wants another password chosen before it opens a session."""

    def __init__(self, proof: Proof) -> None:
        super().__init__("before there is a session")
        self.proof = proof


def lock_person(transaction: Transaction, user_id: int) -> User:
    """Read a person under a lock that lasts to the end of the transaction.

    Opening a session, ending all sessions and changing the account take this lock, so they happen one after
    the other.

    Raises:
        AccountDeleted: there is no such person any more.
    """
    person = transaction.scalar(select(User).where(User.id == user_id).with_for_update())
    if person is None or person.status == PersonStatus.DELETED:
        raise AccountDeleted(user_id=user_id)
    return person


def lock_active(transaction: Transaction, user_id: int | None) -> User | None:
    """Read a person under the same lock, if there is one whose account may be used.

    Without a `user_id` the same statement is run, so that nobody costs what somebody does.
    """
    try:
        user = lock_person(transaction, user_id or NOBODY)
    except AccountDeleted:
        return None
    return user if user.status == PersonStatus.ACTIVE else None


def lock_proven(transaction: Transaction, proof: Proof) -> User:
    """Read the person of a proof under the lock and make sure that the proof still holds.

    Raises:
        AccountDeleted, AccountSuspended, OrganizationSuspended, MembershipLost: the account may not be used.
        StaleProof: see there.
    """
    person = lock_person(transaction, proof.user_id)
    if person.status != PersonStatus.ACTIVE:
        raise AccountSuspended
    if person.epoch != proof.epoch:
        raise StaleProof
    if proof.organization_id is not None:
        hold_organization(transaction, proof.user_id, proof.organization_id)
    return person


def hold_application(transaction: Transaction, client_id: str) -> None:
    """Make sure that an application is registered, and hold off its removal until the end.

    Raises:
        InvalidClient: it is not, or not any more.
    """
    registered = select(OAuthClient.id).where(OAuthClient.id == client_id).with_for_update(read=True)
    if transaction.scalar(registered) is None:
        raise InvalidClient("removed while it was opening a session")


def hold_organization(transaction: Transaction, user_id: int, organization_id: UUID) -> None:
    """Make sure that an organization is open to a person, and hold off its suspension until the end.

    Raises:
        OrganizationSuspended, MembershipLost: it is not.
    """
    status = transaction.scalar(
        select(Organization.status).where(Organization.id == organization_id).with_for_update(read=True)
    )
    if status != OrganizationStatus.ACTIVE:
        raise OrganizationSuspended
    if transaction.get(Membership, (user_id, organization_id)) is None:
        raise MembershipLost
