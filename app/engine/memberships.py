"""Who belongs to which organization, and in which place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session as Transaction

from app.engine.account_fields import folded
from app.engine.client import Client
from app.engine.database import Database
from app.engine.errors import NotFound, OrganizationFull
from app.engine.events import EventKind, Events, Subject
from app.engine.one_time_codes import CodePurpose, void_codes
from app.engine.proof import lock_person
from app.engine.sessions import Sessions
from app.models import Membership, Organization, OrganizationStatus, User
from app.primitives.clock import Clock

OPEN_KEY = "open_sign_up"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberView:
    """A member as an organization sees them."""

    id: int
    uuid: UUID
    email: str | None
    username: str | None
    name: str | None
    role: str
    is_admin: bool
    joined_at: datetime


class Memberships:
    """The places of people in organizations. Each public method is one transaction."""

    def __init__(self, *, database: Database, sessions: Sessions, clock: Clock, events: Events) -> None:
        self._database = database
        self._sessions = sessions
        self._clock = clock
        self._events = events

    def add_member(
        self, slug: str, user_id: int, *, role: str | None = None, is_admin: bool | None = None
    ) -> MemberView:
        """Make a person a member, or change the place of one who is, and return it.

        What is not named stays what it is; a new member has the role MEMBER and is no administrator.

        Raises:
            NotFound: no such organization. AccountDeleted: no such person any more.
            InvalidRequest: a role that cannot be stored.
        """

        def work(transaction: Transaction) -> MemberView:
            # In the order of a login, which locks the person and then the organization.
            user = lock_person(transaction, user_id)
            member = self.add_member_within(transaction, slug, user_id, role=role, is_admin=is_admin)
            return _member(user, member)

        return self._database.transact(work)

    def add_member_within(
        self,
        transaction: Transaction,
        slug: str,
        user_id: int,
        *,
        role: str | None = None,
        is_admin: bool | None = None,
        limit: int | None = None,
        uninvited: bool = False,
        client: Client | None = None,
    ) -> Membership:
        """Do the same as a part of a larger transaction.

        Raises:
            OrganizationFull: it has as many members as `limit` allows.
            NotFound: with `uninvited` also where it is not open to everybody.
        """
        organization = by_slug(transaction, slug)
        if uninvited and not _is_open(organization):
            raise NotFound(f"no organization {slug} that is open to everybody")
        member, kind = transaction.get(Membership, (user_id, organization.id)), EventKind.MEMBERSHIP_CHANGED
        if member is None:
            if limit is not None and _count_members(transaction, organization.id) >= limit:
                raise OrganizationFull
            member, kind = self._new_member(transaction, organization.id, user_id), EventKind.MEMBERSHIP_ADDED
        if role is not None:
            member.role = folded("role", role)
        if is_admin is not None:
            member.is_admin = is_admin
        transaction.flush()
        subject = Subject(user_id=user_id, organization_id=organization.id)
        self._events.record(transaction, kind, subject, client, role=member.role, is_admin=member.is_admin)
        return member

    def join_within(
        self, transaction: Transaction, organization_id: UUID, user_id: int, client: Client
    ) -> None:
        """Let a person who was invited become a member; the place of one who is stays what it is.

        Raises:
            NotFound: there is no such organization any more.
        """
        by_id(transaction, organization_id)
        if transaction.get(Membership, (user_id, organization_id)) is None:
            self._new_member(transaction, organization_id, user_id)
            transaction.flush()
            subject = Subject(user_id=user_id, organization_id=organization_id)
            self._events.record(transaction, EventKind.MEMBERSHIP_ADDED, subject, client)

    def remove_member(self, slug: str, user_id: int) -> int:
        """Take a person out of an organization, end their sessions in it and return how many there were.

        An invitation that is still under way is worthless, so that its link leads nobody back.

        Raises:
            NotFound: no such organization, or the person is no member. AccountDeleted: as `add_member`.
        """

        def work(transaction: Transaction) -> int:
            lock_person(transaction, user_id)
            organization = by_slug(transaction, slug)
            member = transaction.get(Membership, (user_id, organization.id))
            if member is None:
                raise NotFound(f"no member of {slug}")
            transaction.delete(member)
            transaction.flush()
            void_codes(transaction, user_id, CodePurpose.INVITATION)
            ended = self._sessions.end_membership_within(transaction, organization.id, user_id)
            subject = Subject(user_id=user_id, organization_id=organization.id)
            self._events.record(transaction, EventKind.MEMBERSHIP_REMOVED, subject, None, count=ended)
            return ended

        return self._database.transact(work)

    def list_of(self, user_id: int) -> Sequence[MembershipView]:
        """Return the active organizations of a person, the one that was joined first at the top."""
        return self._database.transact(lambda transaction: _memberships(transaction, user_id))

    def list_members(self, slug: str, *, limit: int, after_id: int = 0) -> Sequence[MemberView]:
        """Return the members of an organization in the order in which they came to the deployment.

        Raises:
            NotFound: there is no such organization.
        """

        def work(transaction: Transaction) -> Sequence[MemberView]:
            organization = by_slug(transaction, slug)
            rows = transaction.execute(
                select(User, Membership)
                .join(Membership, Membership.user_id == User.id)
                .where(Membership.organization_id == organization.id, User.id > after_id)
                .order_by(User.id)
                .limit(limit)
            )
            return [_member(user, member) for user, member in rows]

        return self._database.transact(work)

    def slug_of_open(self, organization_id: UUID) -> str:
        """Return the slug of an organization that is open to whoever signs up.

        Raises:
            NotFound: unknown, suspended or not open: one answer for every reason.
        """

        def work(transaction: Transaction) -> str:
            organization = transaction.get(Organization, organization_id)
            if organization is None or not _is_open(organization):
                raise NotFound("no organization that is open to everybody")
            return organization.slug

        return self._database.transact(work)

    def _new_member(self, transaction: Transaction, organization_id: UUID, user_id: int) -> Membership:
        now = self._clock.now()
        member = Membership(
            user_id=user_id, organization_id=organization_id, role="MEMBER", is_admin=False, created_at=now
        )
        transaction.add(member)
        return member


def by_slug(transaction: Transaction, slug: str) -> Organization:
    """Read an organization under a lock.

    Raises:
        NotFound: there is none.
    """
    row = transaction.scalar(select(Organization).where(Organization.slug == slug).with_for_update())
    if row is None:
        raise NotFound(f"no organization {slug}")
    return row


def by_id(transaction: Transaction, organization_id: UUID) -> Organization:
    """Do the same by its id.

    Raises:
        NotFound: there is none.
    """
    organization = transaction.get(Organization, organization_id, with_for_update=True)
    if organization is None:
        raise NotFound(f"no organization {organization_id}")
    return organization


def view(row: Organization) -> OrganizationView:
    """Return an organization as a plain value."""
    return OrganizationView(
        id=row.id,
        slug=row.slug,
        name=row.name,
        tier=row.tier,
        status=row.status,
        created_at=row.created_at,
    )


def _is_open(organization: Organization) -> bool:
    return organization.status == OrganizationStatus.ACTIVE and organization.settings.get(OPEN_KEY) is True


def _count_members(transaction: Transaction, organization_id: UUID) -> int:
    members = select(func.count()).where(Membership.organization_id == organization_id)
    return transaction.scalar(members) or 0


def _memberships(transaction: Transaction, user_id: int) -> list[MembershipView]:
    rows = transaction.execute(
        select(Organization, Membership)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(Membership.user_id == user_id, Organization.status == OrganizationStatus.ACTIVE)
        .order_by(Membership.created_at, Organization.id)
    )
    return [
        MembershipView(organization=view(organization), role=member.role, is_admin=member.is_admin)
        for organization, member in rows
    ]


def _member(user: User, member: Membership) -> MemberView:
    return MemberView(
        id=user.id,
        uuid=user.uuid,
        email=user.email,
        username=user.username,
        name=user.name,
        role=member.role,
        is_admin=member.is_admin,
        joined_at=member.created_at,
    )
