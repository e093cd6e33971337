"""The tables. Other floors import the models from here."""

from app.models.base import Base, Moment
from app.models.event import SecurityEvent
from app.models.oauth_client import OAuthClient
from app.models.organization import Membership, Organization, OrganizationStatus
from app.models.person import LoginThrottle, PersonStatus, User
from app.models.session import Session

__all__ = [
    "Base",
    "LoginThrottle",
    "Membership",
    "Moment",
    "OAuthClient",
    "Organization",
    "OrganizationStatus",
    "PersonStatus",
    "SecurityEvent",
    "Session",
    "User",
]
