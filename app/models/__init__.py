"""The tables. Other floors import the models from here."""

from app.models.base import Base, Moment
from app.models.event import SecurityEvent
from app.models.oauth_client import OAuthClient
from app.models.one_time_code import OneTimeCode
from app.models.organization import Membership, Organization, OrganizationStatus
from app.models.person import LoginThrottle, PersonStatus, User
from app.models.second_factor import RecoveryCode, TotpDevice, TrustedDevice
from app.models.session import Session

__all__ = [
    "Base",
    "LoginThrottle",
    "Membership",
    "Moment",
    "OAuthClient",
    "OneTimeCode",
    "Organization",
    "OrganizationStatus",
    "PersonStatus",
    "RecoveryCode",
    "SecurityEvent",
    "Session",
    "TotpDevice",
    "TrustedDevice",
    "User",
]
