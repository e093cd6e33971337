"""A code to the telephone number that the person has verified."""

from typing import ClassVar

from sqlalchemy.orm import Session as Transaction

from app.delivery import Channel
from app.engine.mfa.sent_code import SentCode
from app.engine.one_time_codes import CodePurpose
from app.models import User


class SmsCode(SentCode):
    """Proves that somebody receives the number's messages; numbers can be taken over (ASVS 6.6.1)."""

    amr: ClassVar[str] = "sms"
    purpose: ClassVar[CodePurpose] = CodePurpose.MFA_SMS
    channel: ClassVar[Channel] = Channel.SMS

    def is_ready_within(self, _transaction: Transaction, user: User) -> bool:
        """Tell whether the number is verified."""
        return user.phone is not None and user.phone_verified_at is not None
