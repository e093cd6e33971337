"""Forgotten passwords: a code or a link is sent, and whoever comes back with it chooses another password.

Asking changes nothing, and looks the same whether or not the account exists.
"""

from datetime import timedelta

from sqlalchemy.orm import Session as Transaction

from app.delivery import Channel
from app.engine.candidates import ANYWHERE, Candidate, LoginTarget, find_candidate
from app.engine.client import Client
from app.engine.code_forms import CodeForm
from app.engine.code_messages import CodeMessages, Recipient
from app.engine.credentials import Credentials
from app.engine.database import Database
from app.engine.identifiers import Identifier, IdentifierKind
from app.engine.one_time_codes import CodePurpose, OneTimeCodes, Redeemed
from app.engine.passwords import Passwords
from app.engine.proof import Proof
from app.engine.verification import Verification


class PasswordResets:
    """Each newer request makes the older ones worthless, as do another password and another address."""

    def __init__(
        self,
        *,
        database: Database,
        passwords: Passwords,
        codes: OneTimeCodes,
        messages: CodeMessages,
        credentials: Credentials,
        verification: Verification,
        lifetime: timedelta,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._codes = codes
        self._messages = messages
        self._credentials = credentials
        self._verification = verification
        self._lifetime = lifetime

    def send_code(self, identifier: Identifier, client: Client) -> None:
        """Send a code to the address or number that was given, if it is somebody's and may let them in.

        While one of the account is proven, another that is not may not.

        Raises:
            RateLimited: it, known or not, has been asked for too often.
        """
        self._messages.send_code(
            CodePurpose.PASSWORD_RESET_CODE,
            _recipient(identifier, self._find(identifier)),
            client,
            voids=(CodePurpose.PASSWORD_RESET,),
        )

    def send_link(self, identifier: Identifier, organization_slug: str, client: Client, *, path: str) -> None:
        """Send a link to a member of an organization, if that is who was named; `path` ends before the token.

        As for `send_code`, the address may have to be proven.

        Raises:
            RateLimited: as for `send_code`.
        """
        found = self._find(identifier, LoginTarget(organization_slug=organization_slug))
        organization_id = str(found.organization_id) if found is not None else None
        self._messages.send_link(
            CodePurpose.PASSWORD_RESET,
            _recipient(identifier, found),
            client,
            template="password_reset",
            path=path,
            lifetime=self._lifetime,
            payload={"organization_id": organization_id},
            voids=(CodePurpose.PASSWORD_RESET_CODE,),
        )

    def exchange_code(self, identifier: Identifier, code: str, client: Client) -> str:
        """Return the token that resets the password, for the code that was sent.

        Raises:
            InvalidCode, CodeExpired, AccountLocked: see `OneTimeCodes.redeem`.
        """
        found = self._find(identifier)

        def work(transaction: Transaction, redeemed: Redeemed) -> str:
            return self._codes.issue_within(
                transaction,
                CodePurpose.PASSWORD_RESET,
                redeemed.user.id,
                form=CodeForm.TOKEN,
                lifetime=self._lifetime,
                payload=redeemed.payload,
            )

        user_id = found.person.id if found is not None else None
        return self._codes.redeem(
            CodePurpose.PASSWORD_RESET_CODE, user_id, code, work, client, claimed=identifier
        )

    def reset(self, token: str, new: str, client: Client, *, into_organization: bool = False) -> Proof:
        """Store the new password and end every session; see `Credentials.change_with_token`.

        What the code or link was sent to is proven by it; see `Verification.note_within`.
        """

        def note(transaction: Transaction, redeemed: Redeemed) -> None:
            channel = Channel(redeemed.payload["channel"])
            self._verification.note_within(transaction, redeemed.user, channel, client)

        return self._credentials.change_with_token(
            CodePurpose.PASSWORD_RESET, token, new, client, into_organization=into_organization, effect=note
        )

    def _find(self, identifier: Identifier, target: LoginTarget = ANYWHERE) -> Candidate | None:
        """Return whom a code may be sent to: nobody, where the account may not be used."""
        found = self._database.transact(
            lambda transaction: find_candidate(transaction, identifier, target, self._passwords.rules)
        )
        return found if found is not None and found.is_active else None


def _recipient(identifier: Identifier, found: Candidate | None) -> Recipient:
    return Recipient(
        person=found.person if found is not None else None,
        claimed=str(identifier),
        channel=Channel.SMS if identifier.kind is IdentifierKind.PHONE else Channel.MAIL,
    )
