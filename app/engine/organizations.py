"""Organizations: made, suspended and reinstated by an administrator; people belong to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Transaction

from app.engine.client import Client
from app.engine.database import Database
from app.engine.errors import AccountUnavailable, InvalidRequest, NotFound, OrganizationFull, SlugTaken
from app.engine.events import EventKind, Events, Subject
from app.engine.grant import Grant, SessionPolicy
from app.engine.password_rules import SETTINGS_KEY as PASSWORD_KEY
from app.engine.password_rules import PasswordRules
from app.engine.proof import hold_organization
from app.engine.sessions import Sessions
from app.engine.slugs import free_slug, is_slug
from app.engine.snapshot import Snapshot
from app.models import Membership, Organization, OrganizationStatus
from app.primitives.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationView:
    """An organization as it is shown."""

    id: UUID
    slug: str
    name: str
    tier: str
    status: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipView:
    """An organization as one of its members sees it."""

    organization: OrganizationView
    role: str
    is_admin: bool


class Organizations:
    """The tenants of the deployment. Each public method is one transaction."""

    def __init__(self, *, database: Database, sessions: Sessions, clock: Clock, events: Events) -> None:
        self._database = database
        self._sessions = sessions
        self._clock = clock
        self._events = events

    def create(self, *, slug: str, name: str, tier: str = "FREE") -> OrganizationView:
        """Create an organization.

        Raises:
            InvalidRequest: the slug is not lower-case letters, digits and single hyphens.
            SlugTaken: another organization has it.
        """
        if not is_slug(slug):
            raise InvalidRequest({"slug": "slug must be lower-case letters, digits and single hyphens"})
        row = _new(slug, name, tier, self._clock.now())

        def work(transaction: Transaction) -> OrganizationView:
            transaction.add(row)
            transaction.flush()
            self._record(transaction, EventKind.ORGANIZATION_CREATED, row)
            return _view(row)

        try:
            return self._database.transact(work)
        except IntegrityError as error:
            raise SlugTaken from error

    def found_within(self, transaction: Transaction, name: str, user_id: int, client: Client | None) -> UUID:
        """Create an organization from its name, with its founder as administrator, in a larger transaction.

        The slug is the name in lower case with hyphens, and a number behind it where that is taken.

        Raises:
            SlugTaken: somebody took it at the same moment; the transaction is lost and may be tried again.
        """
        now = self._clock.now()
        row = _new(free_slug(transaction, name), name, "FREE", now)
        transaction.add(row)
        try:
            transaction.flush()
        except IntegrityError as error:
            raise SlugTaken from error
        transaction.add(
            Membership(user_id=user_id, organization_id=row.id, role="ADMIN", is_admin=True, created_at=now)
        )
        transaction.flush()
        subject = Subject(user_id=user_id, organization_id=row.id)
        self._events.record(transaction, EventKind.ORGANIZATION_CREATED, subject, client)
        return row.id

    def add_member(self, slug: str, user_id: int, *, role: str = "MEMBER", is_admin: bool = False) -> None:
        """Make a person a member, or change the place of one who is.

        Raises:
            NotFound: no such organization.
        """
        self._database.transact(
            lambda transaction: self.add_member_within(
                transaction, slug, user_id, role=role, is_admin=is_admin
            )
        )

    def add_member_within(
        self,
        transaction: Transaction,
        slug: str,
        user_id: int,
        *,
        role: str = "MEMBER",
        is_admin: bool = False,
        limit: int | None = None,
    ) -> None:
        """Do the same as a part of a larger transaction.

        Raises:
            OrganizationFull: it has as many members as `limit` allows.
        """
        organization = _by_slug(transaction, slug)
        member = transaction.get(Membership, (user_id, organization.id))
        if member is None:
            if limit is not None and _count_members(transaction, organization.id) >= limit:
                raise OrganizationFull
            member = Membership(
                user_id=user_id, organization_id=organization.id, created_at=self._clock.now()
            )
            transaction.add(member)
        member.role, member.is_admin = role, is_admin
        transaction.flush()
        self._record(transaction, EventKind.MEMBERSHIP_ADDED, organization, user_id=user_id)

    def join_within(
        self, transaction: Transaction, organization_id: UUID, user_id: int, client: Client
    ) -> None:
        """Let a person who was invited become a member; the place of one who is stays what it is.

        Raises:
            NotFound: there is no such organization any more.
        """
        _by_id(transaction, organization_id)
        if transaction.get(Membership, (user_id, organization_id)) is None:
            now = self._clock.now()
            transaction.add(Membership(user_id=user_id, organization_id=organization_id, created_at=now))
            transaction.flush()
            subject = Subject(user_id=user_id, organization_id=organization_id)
            self._events.record(transaction, EventKind.MEMBERSHIP_ADDED, subject, client)

    def list_of(self, user_id: int) -> Sequence[MembershipView]:
        """Return the active organizations of a person, the one that was joined first at the top."""
        return self._database.transact(lambda transaction: _memberships(transaction, user_id))

    def switch(
        self, snapshot: Snapshot, organization_id: UUID, policy: SessionPolicy, client: Client
    ) -> Grant:
        """Make another of the person's organizations the session's active one, and return its new tokens.

        Every earlier token of the session, of either kind, is invalid at once.

        Raises:
            NotFound: not an active organization of the person: one answer for every reason.
            AccessSessionEnded: the session is over.
            Unavailable: nothing was changed.
        """

        def work(transaction: Transaction) -> None:
            try:
                hold_organization(transaction, snapshot.person.id, organization_id)
            except AccountUnavailable as error:
                raise NotFound("not an active organization of this person") from error
            self._sessions.move_within(transaction, snapshot.session.id, organization_id, policy, client)

        self._database.transact(work)
        return self._sessions.grant(snapshot.session.id, policy)

    def suspend(self, slug: str) -> int:
        """Keep an organization's members out of it, end its sessions and return how many there were.

        Raises:
            NotFound: no such organization.
        """

        def work(transaction: Transaction) -> int:
            organization = _by_slug(transaction, slug)
            self._set_status(transaction, organization, OrganizationStatus.SUSPENDED)
            ended = self._sessions.end_organization_within(transaction, organization.id)
            self._record(transaction, EventKind.ORGANIZATION_SUSPENDED, organization, count=ended)
            return ended

        return self._database.transact(work)

    def reinstate(self, slug: str) -> None:
        """Open a suspended organization again; ended sessions stay ended.

        Raises:
            NotFound: no such organization.
        """

        def work(transaction: Transaction) -> None:
            organization = _by_slug(transaction, slug)
            self._set_status(transaction, organization, OrganizationStatus.ACTIVE)
            self._record(transaction, EventKind.ORGANIZATION_REINSTATED, organization)

        self._database.transact(work)

    def settings(self, organization_id: UUID) -> dict[str, Any]:
        """Return what an organization has set for its members.

        Raises:
            NotFound: there is no such organization.
        """
        return self._database.transact(lambda transaction: _by_id(transaction, organization_id).settings)

    def password_rules(self, slug: str | None, rules: PasswordRules) -> PasswordRules:
        """Return the stricter of these rules and an organization's; without a slug, these rules.

        Raises:
            NotFound: there is no such organization.
        """
        if slug is None:
            return rules
        return rules.with_organization(
            self._database.transact(lambda transaction: _by_slug(transaction, slug).settings)
        )

    def change_settings(
        self, organization_id: UUID, changes: dict[str, Any], client: Client | None
    ) -> dict[str, Any]:
        """Merge changes into an organization's settings and return all of them.

        A password that no longer meets the rules stays good until it is changed or expires.

        Raises:
            NotFound: there is no such organization.
        """

        def work(transaction: Transaction) -> dict[str, Any]:
            organization = _by_id(transaction, organization_id)
            password = {**organization.settings.get(PASSWORD_KEY, {}), **changes.get(PASSWORD_KEY, {})}
            organization.settings = {**organization.settings, **changes, PASSWORD_KEY: password}
            organization.updated_at = self._clock.now()
            subject = Subject(organization_id=organization_id)
            self._events.record(
                transaction, EventKind.ORGANIZATION_CHANGED, subject, client, fields=sorted(changes)
            )
            return organization.settings

        return self._database.transact(work)

    def find(self, slug: str) -> OrganizationView:
        """Return the organization with this slug.

        Raises:
            NotFound: there is none.
        """
        return self._database.transact(lambda transaction: _view(_by_slug(transaction, slug)))

    def list_all(self) -> Sequence[OrganizationView]:
        """Return all organizations by slug."""
        return self._database.transact(
            lambda transaction: [
                _view(row) for row in transaction.scalars(select(Organization).order_by(Organization.slug))
            ]
        )

    def _set_status(
        self, transaction: Transaction, organization: Organization, status: OrganizationStatus
    ) -> None:
        organization.status = status
        organization.updated_at = self._clock.now()
        transaction.flush()

    def _record(
        self,
        transaction: Transaction,
        kind: EventKind,
        organization: Organization,
        *,
        user_id: int | None = None,
        **details: object,
    ) -> None:
        subject = Subject(user_id=user_id, organization_id=organization.id)
        self._events.record(transaction, kind, subject, None, **details)


def _new(slug: str, name: str, tier: str, now: datetime) -> Organization:
    return Organization(
        id=uuid4(),
        slug=slug,
        name=name,
        tier=tier,
        status=OrganizationStatus.ACTIVE,
        settings={},
        created_at=now,
        updated_at=now,
    )


def _count_members(transaction: Transaction, organization_id: UUID) -> int:
    members = select(func.count()).where(Membership.organization_id == organization_id)
    return transaction.scalar(members) or 0


def _by_slug(transaction: Transaction, slug: str) -> Organization:
    row = transaction.scalar(select(Organization).where(Organization.slug == slug).with_for_update())
    if row is None:
        raise NotFound(f"no organization {slug}")
    return row


def _by_id(transaction: Transaction, organization_id: UUID) -> Organization:
    organization = transaction.get(Organization, organization_id, with_for_update=True)
    if organization is None:
        raise NotFound(f"no organization {organization_id}")
    return organization


def _memberships(transaction: Transaction, user_id: int) -> list[MembershipView]:
    rows = transaction.execute(
        select(Organization, Membership)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(Membership.user_id == user_id, Organization.status == OrganizationStatus.ACTIVE)
        .order_by(Membership.created_at, Organization.id)
    )
    return [
        MembershipView(organization=_view(organization), role=member.role, is_admin=member.is_admin)
        for organization, member in rows
    ]


def _view(row: Organization) -> OrganizationView:
    return OrganizationView(
        id=row.id,
        slug=row.slug,
        name=row.name,
        tier=row.tier,
        status=row.status,
        created_at=row.created_at,
    )
