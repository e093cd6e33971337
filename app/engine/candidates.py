"""Whom an identifier names, in which organization, and which password rules that person is under."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session as Transaction

from app.engine.accounts import by_identifier, person_row
from app.engine.identifiers import Identifier
from app.engine.password_rules import PasswordRules
from app.engine.snapshot import PersonRow
from app.models import Membership, Organization, OrganizationStatus, PersonStatus


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

    def password_is_due(self, now: datetime) -> bool:
        """Tell whether another password has to be chosen first."""
        expires_after = self.rules.expires_after
        return self.person.must_change_password or (
            expires_after is not None and now - self.password_chosen_at >= expires_after
        )


def find_candidate(
    transaction: Transaction,
    identifier: Identifier,
    organization_slug: str | None,
    rules: PasswordRules,
) -> Candidate | None:
    """Return whom an identifier names.

    With a slug, only a member of that organization; without one, the first active organization of the person
    becomes the session's. The statements are the same for a name that nobody has.
    """
    user = by_identifier(transaction, identifier)
    memberships = transaction.execute(_memberships(user.id if user else None)).all()
    if user is None:
        return None
    chosen = next(
        (
            row
            for row in memberships
            if (
                row.status == OrganizationStatus.ACTIVE
                if organization_slug is None
                else row.slug == organization_slug
            )
        ),
        None,
    )
    if chosen is None and organization_slug is not None:
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
