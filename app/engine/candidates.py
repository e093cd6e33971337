"""Whom an identifier names, in which organization, and which password rules that person is under."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session as Transaction

from app.engine.accounts import by_identifier, person_row
from app.engine.errors import (
    AccountSuspended,
    AuthError,
    MembershipLost,
    NotFound,
    OrganizationSuspended,
    PermissionDenied,
)
from app.engine.identifiers import Identifier
from app.engine.password_rules import PasswordRules
from app.engine.snapshot import PersonRow
from app.models import Membership, Organization, OrganizationStatus, PersonStatus, User


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginTarget:
    """Where a login is to lead, and whom the contract lets in there.

    Under an `organization_slug` only members are known, so anybody else is a stranger. For an
    `organization_id` everybody is known, and who is no member is refused after the proof. Without either, the
    first active organization of the person becomes the session's. `admits` is asked after the proof too.
    """

    organization_slug: str | None = None
    organization_id: UUID | None = None
    admits: Callable[[PersonRow], bool] | None = None

    def names(self, organization: Any) -> bool:
        """Tell whether a row of an organization is the one that is meant, or one that will do."""
        if self.organization_slug is not None:
            return bool(organization.slug == self.organization_slug)
        if self.organization_id is not None:
            return bool(organization.id == self.organization_id)
        return bool(organization.status == OrganizationStatus.ACTIVE)


ANYWHERE = LoginTarget()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person who may be logging in, with what is needed to decide it."""

    person: PersonRow
    epoch: int
    hashed_password: str | None = field(repr=False)
    password_chosen_at: datetime
    rules: PasswordRules
    organization_id: UUID | None
    organization_status: str | None

    @property
    def is_active(self) -> bool:
        """Tell whether nothing but a proof is missing."""
        return (
            self.person.status == PersonStatus.ACTIVE
            and self.organization_status != OrganizationStatus.SUSPENDED
        )

    def refusal(self, target: LoginTarget) -> AuthError | None:
        """Return why a proof does not let this person in, or None if it does."""
        if self.person.status != PersonStatus.ACTIVE:
            return AccountSuspended(user_id=self.person.id)
        if self.organization_status == OrganizationStatus.SUSPENDED:
            return OrganizationSuspended(user_id=self.person.id)
        if target.organization_id is not None and self.organization_id is None:
            return MembershipLost("not of the organization that was asked for", user_id=self.person.id)
        if target.admits is not None and not target.admits(self.person):
            return PermissionDenied("not admitted by the contract")
        return None

    def password_is_due(self, now: datetime) -> bool:
        """Tell whether another password has to be chosen first."""
        return self.person.must_change_password or self.rules.have_expired(self.password_chosen_at, now)


def find_candidate(
    transaction: Transaction,
    identifier: Identifier,
    target: LoginTarget,
    rules: PasswordRules,
) -> Candidate | None:
    """Return whom an identifier names; the statements are the same for a name that nobody has."""
    user = by_identifier(transaction, identifier)
    memberships = transaction.execute(_memberships(user.id if user else None)).all()
    if user is None:
        return None
    chosen = next(filter(target.names, memberships), None)
    if chosen is None and target.organization_slug is not None:
        return None
    for row in memberships:
        rules = rules.with_organization(row.settings)
    return Candidate(
        person=person_row(user),
        epoch=user.epoch,
        hashed_password=user.hashed_password,
        password_chosen_at=user.password_changed_at or user.created_at,
        rules=rules,
        organization_id=chosen.id if chosen else None,
        organization_status=chosen.status if chosen else None,
    )


def find_own_member(transaction: Transaction, organization_id: UUID, person: UUID) -> PersonRow:
    """Return a member of an organization for whom its administrators may decide.

    Raises:
        NotFound: nobody, or nobody in this organization.
        PermissionDenied: the person belongs to other organizations too.
    """
    user = transaction.scalar(select(User).where(User.uuid == person, User.status != PersonStatus.DELETED))
    places = [row.id for row in transaction.execute(_memberships(user.id if user else None))]
    if user is None or organization_id not in places:
        raise NotFound(f"no member {person}")
    if len(places) > 1:
        raise PermissionDenied("the person belongs to other organizations too")
    return person_row(user)


def rules_of(transaction: Transaction, user_id: int, rules: PasswordRules) -> PasswordRules:
    """Return the rules that a person is under: the strictest of every organization they belong to."""
    for row in transaction.execute(_memberships(user_id)):
        rules = rules.with_organization(row.settings)
    return rules


def _memberships(user_id: int | None) -> Select[Any]:
    return (
        select(Organization.id, Organization.slug, Organization.status, Organization.settings)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(Membership.user_id == user_id)
        .order_by(Membership.created_at, Organization.id)
    )
