"""People: how they come, are changed, suspended and reinstated, and go."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Transaction

from app.engine.account_fields import COLUMNS, PROVEN, bounded, folded
from app.engine.client import Client
from app.engine.database import ATTEMPTS, Database
from app.engine.errors import (
    AccountDeleted,
    AuthError,
    EmailTaken,
    InvalidRequest,
    NotFound,
    PhoneTaken,
    SlugTaken,
    Unavailable,
    UsernameTaken,
)
from app.engine.events import EventKind, Events, Subject
from app.engine.identifiers import Identifier, IdentifierKind
from app.engine.notices import Notices
from app.engine.one_time_codes import void_codes
from app.engine.organizations import Organizations
from app.engine.passwords import Passwords
from app.engine.proof import lock_person
from app.engine.refreshing import EndReason
from app.engine.sessions import Sessions
from app.engine.snapshot import PersonRow
from app.models import Membership, PersonStatus, RecoveryCode, TotpDevice, User
from app.primitives.clock import Clock

_Created = TypeVar("_Created")

_TAKEN: dict[IdentifierKind, type[AuthError]] = {
    IdentifierKind.EMAIL: EmailTaken,
    IdentifierKind.PHONE: PhoneTaken,
    IdentifierKind.USERNAME: UsernameTaken,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a new person brings. At least one of e-mail, phone and user name; perhaps a place to belong.

    Whoever has no password yet cannot log in. `organization_limit` is how many members there may be. Who
    comes `uninvited` finds only an organization that is open to everybody.
    """

    password: str | None = field(repr=False)
    email: str | None = None
    phone: str | None = None
    username: str | None = None
    name: str | None = None
    role: str = "USER"
    attributes: dict[str, Any] = field(default_factory=dict)
    organization_slug: str | None = None
    is_organization_admin: bool = False
    organization_limit: int | None = None
    uninvited: bool = False


class Accounts:
    """The people of the deployment. Each public method is one transaction unless it says otherwise."""

    def __init__(
        self,
        *,
        database: Database,
        passwords: Passwords,
        sessions: Sessions,
        organizations: Organizations,
        clock: Clock,
        events: Events,
        notices: Notices,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._sessions = sessions
        self._organizations = organizations
        self._clock = clock
        self._events = events
        self._notices = notices

    def register(self, registration: Registration, client: Client | None) -> PersonRow:
        """Create a person.

        Raises:
            InvalidRequest, PasswordRefused: the data will not do.
            EmailTaken, PhoneTaken, UsernameTaken: another account has it.
            NotFound: there is no such organization to belong to, or with `uninvited` no open one.
            OrganizationFull: it has no place left.
        """

        def work(transaction: Transaction, user: User) -> PersonRow:
            person = self._insert(transaction, user, client)
            if registration.organization_slug is not None:
                self._organizations.add_member_within(
                    transaction,
                    registration.organization_slug,
                    person.id,
                    is_admin=registration.is_organization_admin,
                    limit=registration.organization_limit,
                    uninvited=registration.uninvited,
                    client=client,
                )
            return person

        return self._create(registration, work)

    def register_founder(
        self, registration: Registration, organization: str, client: Client | None
    ) -> tuple[PersonRow, UUID]:
        """Create a person and an organization of that name, whose administrator the person is.

        Raises:
            as `register`. Unavailable: others were taking every slug at the same moment.
        """

        def work(transaction: Transaction, user: User) -> tuple[PersonRow, UUID]:
            person = self._insert(transaction, user, client)
            return person, self._organizations.found_within(transaction, organization, person.id, client)

        for _ in range(ATTEMPTS):
            with suppress(SlugTaken):
                return self._create(registration, work)
        raise Unavailable("organizations of this name are being founded over and over")

    def change(self, user_id: int, changes: dict[str, Any], client: Client | None = None) -> PersonRow:
        """Change what contracts present: columns by their names, anything else in `attributes`.

        A value of None removes an attribute. A new address or number counts as not verified; a mail to the
        address so far tells of it, and of another user name.

        Raises:
            NotFound, InvalidRequest, EmailTaken, PhoneTaken, UsernameTaken.
        """
        changes = {name: folded(name, value) for name, value in changes.items()}

        def work(transaction: Transaction) -> tuple[PersonRow, PersonRow]:
            user = locked(transaction, user_id)
            before = person_row(user)
            for name in COLUMNS:
                if name in changes:
                    if name in PROVEN and changes[name] != getattr(user, name):
                        setattr(user, f"{name}_verified_at", None)
                        # What was sent to the old one must not act on the new one.
                        void_codes(transaction, user_id)
                    setattr(user, name, changes[name])
            others = {name: value for name, value in changes.items() if name not in COLUMNS}
            merged = {**user.attributes, **others}
            user.attributes = bounded({name: value for name, value in merged.items() if value is not None})
            user.updated_at = self._clock.now()
            transaction.flush()
            subject = Subject(user_id=user_id)
            self._events.record(
                transaction, EventKind.ACCOUNT_CHANGED, subject, client, fields=sorted(changes)
            )
            return before, person_row(user)

        try:
            before, after = self._database.transact(work)
        except IntegrityError as error:
            wanted = User(**{name: changes.get(name) for name in ("email", "phone", "username")})
            raise self._database.transact(lambda transaction: _taken(transaction, wanted, user_id)) from error
        changed = [kind for kind in IdentifierKind if getattr(before, kind) != getattr(after, kind)]
        if changed:
            self._notices.identifiers_changed(before, changed)
        return after

    def suspend(self, user_id: int) -> None:
        """Keep a person out and end every session in the same transaction."""
        self._set_status(user_id, PersonStatus.SUSPENDED, EventKind.ACCOUNT_SUSPENDED, EndReason.SUSPENDED)

    def reinstate(self, user_id: int) -> None:
        """Let a suspended person in again; ended sessions stay ended."""
        self._set_status(user_id, PersonStatus.ACTIVE, EventKind.ACCOUNT_REINSTATED, None)

    def delete(self, user_id: int, client: Client | None = None) -> None:
        """Remove a person: sessions end and everything personal goes; the bare row keeps the ids taken.

        Memberships go too, also that of an organization's last administrator: nobody is kept against their
        will, and an operator names another.
        """
        self._set_status(user_id, PersonStatus.DELETED, EventKind.ACCOUNT_DELETED, EndReason.DELETED, client)

    def find(self, identifier: Identifier) -> PersonRow:
        """Return the person with this identifier.

        Raises:
            NotFound: nobody has it.
        """

        def work(transaction: Transaction) -> PersonRow:
            user = by_identifier(transaction, identifier)
            if user is None:
                raise NotFound(f"no user {identifier.value}")
            return person_row(user)

        return self._database.transact(work)

    def get(self, user_id: int) -> PersonRow:
        """Return a person by the integer id.

        Raises:
            NotFound: there is none, or not any more.
        """

        def work(transaction: Transaction) -> PersonRow:
            user = transaction.get(User, user_id)
            if user is None or user.status == PersonStatus.DELETED:
                raise NotFound(f"no user {user_id}")
            return person_row(user)

        return self._database.transact(work)

    def list_all(self, *, limit: int, after_id: int = 0) -> Sequence[PersonRow]:
        """Return people who are not deleted, in the order in which they came."""

        def work(transaction: Transaction) -> Sequence[PersonRow]:
            users = transaction.scalars(
                select(User)
                .where(User.id > after_id, User.status != PersonStatus.DELETED)
                .order_by(User.id)
                .limit(limit)
            )
            return [person_row(user) for user in users]

        return self._database.transact(work)

    def _new_user(self, registration: Registration) -> User:
        names: dict[str, str] = {
            kind: folded(kind, value)
            for kind in IdentifierKind
            if (value := getattr(registration, kind)) is not None
        }
        if not any(names.values()):
            raise InvalidRequest("an e-mail address, a phone number or a user name is required")
        password, now = registration.password, self._clock.now()
        if password is not None:
            rules = self._organizations.password_rules(registration.organization_slug, self._passwords.rules)
            self._passwords.check_policy(password, registration.name, *names.values(), rules=rules)
        return User(
            uuid=uuid4(),
            status=PersonStatus.ACTIVE,
            name=folded("name", registration.name),
            role=folded("role", registration.role),
            attributes=bounded(registration.attributes),
            hashed_password=None if password is None else self._passwords.hash(password),
            epoch=1,
            must_change_password=False,
            password_changed_at=now,
            created_at=now,
            updated_at=now,
            **{str(kind): value for kind, value in names.items()},
        )

    def _create(self, registration: Registration, work: Callable[[Transaction, User], _Created]) -> _Created:
        with self._passwords.admission():
            user = self._new_user(registration)
        try:
            return self._database.transact(lambda transaction: work(transaction, user))
        except IntegrityError as error:
            raise self._database.transact(lambda transaction: _taken(transaction, user)) from error

    def _insert(self, transaction: Transaction, user: User, client: Client | None) -> PersonRow:
        transaction.add(user)
        transaction.flush()
        self._events.record(transaction, EventKind.ACCOUNT_CREATED, Subject(user_id=user.id), client)
        return person_row(user)

    def _set_status(
        self,
        user_id: int,
        status: PersonStatus,
        kind: EventKind,
        reason: EndReason | None,
        client: Client | None = None,
    ) -> None:
        def work(transaction: Transaction) -> None:
            user = locked(transaction, user_id)
            if reason is not None:
                self._sessions.end_all_within(transaction, user_id, client, reason)
            user.status = status
            user.updated_at = self._clock.now()
            if status is PersonStatus.DELETED:
                _forget(transaction, user)
            self._events.record(transaction, kind, Subject(user_id=user_id), client)

        self._database.transact(work)


def by_identifier(transaction: Transaction, identifier: Identifier) -> User | None:
    """Return the person with this identifier, if there is one."""
    column = getattr(User, identifier.kind)
    return transaction.scalar(
        select(User).where(column == identifier.value, User.status != PersonStatus.DELETED)
    )


def locked(transaction: Transaction, user_id: int) -> User:
    """Read a person under the lock.

    Raises:
        NotFound: there is none, or not any more.
    """
    try:
        return lock_person(transaction, user_id)
    except AccountDeleted as error:
        raise NotFound(f"no user {user_id}") from error


def _taken(transaction: Transaction, user: User, own_id: int | None = None) -> AuthError:
    """Find out which unique column refused."""
    for kind, error in _TAKEN.items():
        value = getattr(user, kind)
        if value is not None:
            owner = transaction.scalar(select(User.id).where(getattr(User, kind) == value))
            if owner is not None and owner != own_id:
                return error()
    return InvalidRequest("the account could not be stored; try again")


def _forget(transaction: Transaction, user: User) -> None:
    """Blank or delete everything personal; trust in devices has ended with the sessions."""
    void_codes(transaction, user.id)
    for model in (Membership, TotpDevice, RecoveryCode):
        transaction.execute(delete(model).where(model.user_id == user.id))
    user.email = user.phone = user.username = user.name = user.hashed_password = None
    user.email_verified_at = user.phone_verified_at = None
    user.mfa_enabled, user.attributes = False, {}


def person_row(user: User) -> PersonRow:
    """Return a person as a plain value."""
    return PersonRow(**{name: getattr(user, name) for name in PersonRow._fields})
