"""Logging in with a code that was sent, instead of a password. Off unless it is configured."""

from sqlalchemy.orm import Session as Transaction

from app.delivery import Channel
from app.engine.candidates import ANYWHERE, Candidate, LoginTarget, find_candidate
from app.engine.client import Client
from app.engine.code_messages import CodeMessages, Recipient
from app.engine.database import Database
from app.engine.errors import AuthError, PasswordlessDisabled
from app.engine.events import EventKind, Events, Subject
from app.engine.identifiers import Identifier, IdentifierKind
from app.engine.one_time_codes import CodePurpose, OneTimeCodes, Redeemed
from app.engine.passwords import Passwords
from app.engine.proof import Proof
from app.models import PersonStatus
from app.primitives.clock import Clock

# RFC 8176: a one-time password; by SMS, possession of the number's phone.
_METHODS = {Channel.MAIL: ("otp",), Channel.SMS: ("otp", "sms")}


class Passwordless:
    """Sends login codes and takes them back as a proof, which opens a session as a password does."""

    def __init__(
        self,
        *,
        database: Database,
        passwords: Passwords,
        codes: OneTimeCodes,
        messages: CodeMessages,
        clock: Clock,
        events: Events,
        is_enabled: bool,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._codes = codes
        self._messages = messages
        self._clock = clock
        self._events = events
        self.is_enabled = is_enabled

    def send(
        self, identifier: Identifier, channel: Channel, client: Client, *, target: LoginTarget = ANYWHERE
    ) -> None:
        """Send a code, if the identifier is somebody's whom it can reach and who would be let in.

        It goes to the address that was given, or else to one of the person's that is proven; and to the one
        that was given only while none is proven, or it is itself.

        Raises:
            PasswordlessDisabled.
            RateLimited: this name, known or not, has been asked for too often.
        """
        self._check_enabled()
        found = self._find(identifier, target)
        reachable = (
            found is not None and found.refusal(target) is None and _reaches(found, identifier, channel)
        )
        recipient = Recipient(
            person=found.person if found is not None and reachable else None,
            claimed=str(identifier),
            channel=channel,
        )
        self._messages.send_code(CodePurpose.PASSWORDLESS, recipient, client)

    def prove(
        self, identifier: Identifier, code: str, client: Client, *, target: LoginTarget = ANYWHERE
    ) -> Proof:
        """Take a code back.

        Raises:
            PasswordlessDisabled.
            InvalidCode, CodeExpired, AccountLocked: see `OneTimeCodes.redeem`.
            OrganizationSuspended, MembershipLost, PermissionDenied: it was the right code, which is spent.
        """
        self._check_enabled()
        found = self._find(identifier, target)

        def work(transaction: Transaction, redeemed: Redeemed) -> Proof | AuthError:
            methods = _METHODS[Channel(redeemed.payload["channel"])]
            refused = found.refusal(target) if found is not None else None
            if refused is not None:
                subject = Subject(user_id=redeemed.user.id)
                self._events.record(
                    transaction, EventKind.LOGIN_REFUSED, subject, client, methods=list(methods)
                )
                return refused
            return Proof(
                user_id=redeemed.user.id,
                epoch=redeemed.user.epoch,
                methods=methods,
                proven_at=self._clock.now(),
                organization_id=found.organization_id if found is not None else None,
            )

        user_id = found.person.id if found is not None else None
        outcome = self._codes.redeem(
            CodePurpose.PASSWORDLESS, user_id, code, work, client, claimed=identifier
        )
        if isinstance(outcome, AuthError):
            raise outcome
        return outcome

    def _check_enabled(self) -> None:
        if not self.is_enabled:
            raise PasswordlessDisabled

    def _find(self, identifier: Identifier, target: LoginTarget = ANYWHERE) -> Candidate | None:
        found = self._database.transact(
            lambda transaction: find_candidate(transaction, identifier, target, self._passwords.rules)
        )
        return found if found is not None and found.person.status == PersonStatus.ACTIVE else None


def _reaches(found: Candidate, identifier: Identifier, channel: Channel) -> bool:
    person = found.person
    if channel is Channel.MAIL:
        return identifier.kind is IdentifierKind.EMAIL or person.email_verified_at is not None
    return identifier.kind is IdentifierKind.PHONE or person.phone_verified_at is not None
