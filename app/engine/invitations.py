"""Links that let somebody in: to an account that others have made, or to prove the address of one's own.

Such a link never replaces a password, however long it lies in a mailbox: whoever has none yet chooses the
first one, anybody else gives the one there is.
"""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session as Transaction

from app.delivery import Channel
from app.engine.accounts import Accounts, Registration
from app.engine.client import Client
from app.engine.code_messages import CodeMessages, Recipient
from app.engine.credentials import Credentials
from app.engine.errors import EmailTaken, InvalidCode, PhoneTaken
from app.engine.events import Subject
from app.engine.identifiers import Identifier, IdentifierKind
from app.engine.login_throttle import ThrottleRule
from app.engine.one_time_codes import CodePurpose, OneTimeCodes, Redeemed
from app.engine.organizations import Organizations
from app.engine.passwords import Passwords
from app.engine.proof import Proof, hold_organization
from app.engine.sessions import Sessions
from app.engine.snapshot import PersonRow
from app.engine.verification import Verification
from app.models import PersonStatus
from app.primitives.clock import Clock

_LIFETIME = timedelta(days=7)


class Invited(NamedTuple):
    """Whom an invitation went to, and whether the account was made for it."""

    person: PersonRow
    is_new: bool


class Invitations:
    """Sends the links and takes their tokens; a newer one takes the place of a person's former one."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        organizations: Organizations,
        sessions: Sessions,
        passwords: Passwords,
        codes: OneTimeCodes,
        messages: CodeMessages,
        credentials: Credentials,
        verification: Verification,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._organizations = organizations
        self._sessions = sessions
        self._codes = codes
        self._messages = messages
        self._passwords = passwords
        self._credentials = credentials
        self._own = credentials.own
        self._verification = verification
        self._clock = clock

    def invite(
        self, registration: Registration, client: Client, *, path: str, takes_known: bool = False
    ) -> Invited:
        """Make an account without a password and send its person a link, by mail or else by SMS.

        With `takes_known` somebody who has an account is sent one too, and belongs to the organization only
        from acceptance on: nobody comes under its rules on another's word. `path` ends before the token.

        Raises:
            EmailTaken, PhoneTaken: somebody has an account.
            InvalidRequest, NotFound, OrganizationFull: see `Accounts.register`.
            RateLimited: the person has been sent enough for now.

        Transaction: the account and its place, and after it what sends the link.
        """
        kind = IdentifierKind.EMAIL if registration.email is not None else IdentifierKind.PHONE
        try:
            invited = Invited(self._accounts.register(registration, client), is_new=True)
        except (EmailTaken, PhoneTaken):
            if not takes_known:
                raise
            known = Identifier.of(kind, getattr(registration, kind) or "")
            invited = Invited(self._accounts.find(known), is_new=False)
        slug = registration.organization_slug
        organization_id = self._organizations.find(slug).id if slug is not None else None
        channel = Channel.MAIL if kind is IdentifierKind.EMAIL else Channel.SMS
        self._send(invited.person, organization_id, client, template="invitation", path=path, channel=channel)
        return invited

    def ask_to_confirm(
        self, person: PersonRow, organization_id: UUID | None, client: Client, *, path: str
    ) -> None:
        """Send the owner of a new account a link that proves the address.

        Raises:
            RateLimited: enough has been sent for now.
        """
        self._send(person, organization_id, client, template="confirmation", path=path, channel=Channel.MAIL)

    def accept(
        self,
        token: str,
        password: str,
        client: Client,
        rule: ThrottleRule,
        *,
        into_organization: bool = False,
    ) -> Proof:
        """Take the token of a link: the person is who they say, and the address is proven.

        Where that would add a factor to those that guard the account, the address stays unproven.

        Raises:
            InvalidCode: the token is wrong, expired, used or replaced, or the password was changed meanwhile;
                or with `into_organization` it leads into none.
            PasswordRefused: the first password will not do; the token stays good.
            CurrentPasswordIncorrect, AccountLocked: there is a password already, and it is another one.
            OrganizationSuspended: nobody gets in where the link leads; it stays good.
            Unavailable: too many passwords wait to be hashed; the token is not spent.

        Transaction: reads, the count of a password that was given, and one in which the token is spent.
        """
        holder = self._codes.holder_of(
            CodePurpose.INVITATION, token, client, into_organization=into_organization
        )
        standing = self._own.standing(holder)
        with self._passwords.admission():
            first = self._own.hash_new(standing, password) if standing.hashed is None else None
            if first is None:
                self._own.check_current(standing, password, client, rule)

        def work(transaction: Transaction, redeemed: Redeemed) -> Proof:
            user, organization = redeemed.user, redeemed.payload["organization_id"]
            if user.hashed_password != standing.hashed:
                raise InvalidCode("the password was changed meanwhile")
            if first is not None:
                self._credentials.replace_within(transaction, user, first, client)
            self._verification.note_within(transaction, user, Channel(redeemed.payload["channel"]), client)
            organization_id = UUID(organization) if organization else None
            if organization_id is not None:
                self._organizations.join_within(transaction, organization_id, user.id, client)
                hold_organization(transaction, user.id, organization_id)
            return Proof(
                user_id=user.id,
                epoch=user.epoch,
                methods=("pwd",),
                proven_at=self._clock.now(),
                organization_id=organization_id,
            )

        with self._sessions.noting_refusals(Subject(user_id=standing.person.id), client):
            return self._codes.redeem_token(CodePurpose.INVITATION, token, work, client)

    def _send(
        self,
        person: PersonRow,
        organization_id: UUID | None,
        client: Client,
        *,
        template: str,
        path: str,
        channel: Channel,
    ) -> None:
        is_active = person.status == PersonStatus.ACTIVE
        claimed = f"invited:{person.id}"
        self._messages.send_link(
            CodePurpose.INVITATION,
            Recipient(person=person if is_active else None, claimed=claimed, channel=channel),
            client,
            template=template,
            path=path,
            lifetime=_LIFETIME,
            payload={"organization_id": str(organization_id) if organization_id else None},
        )
