"""A code to the mailbox that the person has verified."""

from typing import ClassVar

from sqlalchemy.orm import Session as Transaction

from app.delivery import Channel
from app.engine.mfa.sent_code import SentCode
from app.engine.one_time_codes import CodePurpose
from app.models import User


class EmailCode(SentCode):
    """Proves that somebody reads the person's mail, which for NIST is no factor at all."""

    amr: ClassVar[str] = "otp"
    purpose: ClassVar[CodePurpose] = CodePurpose.MFA_EMAIL
    channel: ClassVar[Channel] = Channel.MAIL

    def is_ready_within(self, _transaction: Transaction, user: User) -> bool:
        """Tell whether the address is verified."""
        return user.email is not None and user.email_verified_at is not None
