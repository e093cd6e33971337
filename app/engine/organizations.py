"""Organizations: made, suspended and reinstated by an administrator; people belong to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Transaction

from app.engine.client import Client
from app.engine.errors import AccountUnavailable, InvalidRequest, NotFound, SlugTaken
from app.engine.events import EventKind, Subject
from app.engine.grant import Grant, SessionPolicy
from app.engine.memberships import Memberships, OrganizationView, by_id, by_slug, view
from app.engine.password_rules import SETTINGS_KEY as PASSWORD_KEY
from app.engine.password_rules import PasswordRules
from app.engine.proof import hold_organization
from app.engine.slugs import free_slug, is_slug
from app.engine.snapshot import Snapshot
from app.models import Membership, Organization, OrganizationStatus


class Organizations(Memberships):
    """The tenants of the deployment and their members. Each public method is one transaction."""

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
            return view(row)

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
            organization = by_slug(transaction, slug)
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
            organization = by_slug(transaction, slug)
            self._set_status(transaction, organization, OrganizationStatus.ACTIVE)
            self._record(transaction, EventKind.ORGANIZATION_REINSTATED, organization)

        self._database.transact(work)

    def settings(self, organization_id: UUID) -> dict[str, Any]:
        """Return what an organization has set for its members.

        Raises:
            NotFound: there is no such organization.
        """
        return self._database.transact(lambda transaction: by_id(transaction, organization_id).settings)

    def password_rules(self, slug: str | None, rules: PasswordRules) -> PasswordRules:
        """Return the stricter of these rules and an organization's; without a slug, these rules.

        Raises:
            NotFound: there is no such organization.
        """
        if slug is None:
            return rules
        return rules.with_organization(
            self._database.transact(lambda transaction: by_slug(transaction, slug).settings)
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
            organization = by_id(transaction, organization_id)
            if not changes:
                return organization.settings
            settings = {**organization.settings, **changes}
            if PASSWORD_KEY in changes:
                settings[PASSWORD_KEY] = {
                    **organization.settings.get(PASSWORD_KEY, {}),
                    **changes[PASSWORD_KEY],
                }
            organization.settings = settings
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
        return self._database.transact(lambda transaction: view(by_slug(transaction, slug)))

    def list_all(self) -> Sequence[OrganizationView]:
        """Return all organizations by slug."""
        return self._database.transact(
            lambda transaction: [
                view(row) for row in transaction.scalars(select(Organization).order_by(Organization.slug))
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
