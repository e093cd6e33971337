"""What entryguard calls things: claims, bodies, moments."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from app.engine.errors import PasswordRefused
from app.engine.grant import Grant
from app.engine.login_challenges import Challenge
from app.engine.snapshot import OrganizationRow, PersonRow, Snapshot
from app.http.contract import Refusal
from app.models import PersonStatus

TOKENS = {"accessToken": "access", "refreshToken": "refresh"}

_SUPER_ADMIN = "SUPER_ADMIN"
# Users and resources by subscription tier; any other tier, as PLATFORM, has no limit.
_LIMITS: dict[str, tuple[int | None, int | None]] = {
    "FREE": (3, 5),
    "BUSINESS": (50, 100),
    "ENTERPRISE": (500, 1000),
}
_NO_CHALLENGE = {
    "mfaRequired": False,
    "mfaChallengeToken": None,
    "mfaChallengeExpiresIn": None,
    "passwordExpired": False,
    "passwordChangeToken": None,
}
_NO_TOKENS = dict.fromkeys(("accessToken", "refreshToken", "expiresIn", "tokenType", "user"))


def access_claims(grant: Grant) -> dict[str, Any]:
    """Return the documented claims of an access token beside `sub`, `iat` and `exp`."""
    organization = grant.organization
    return {
        "orgId": str(organization.id) if organization else None,
        "roles": _roles(is_admin=organization is not None and organization.is_admin),
    }


def token_body(grant: Grant) -> dict[str, Any]:
    """Return the body of register and refresh, without the tokens."""
    return {
        "expiresIn": int((grant.access_expires_at - grant.issued_at).total_seconds()),
        "tokenType": "Bearer",
        "user": user_body(grant.snapshot),
    }


def login_body(grant: Grant) -> dict[str, Any]:
    """Return the body of a login, without the tokens; what is not needed is null."""
    return {**_NO_CHALLENGE, **token_body(grant)}


def enrolling_body(grant: Grant) -> dict[str, Any]:
    """Return the body of a login whose session can do nothing but enrol a second factor."""
    return {**login_body(grant), "mfaSetupRequired": True}


def user_body(snapshot: Snapshot) -> dict[str, Any]:
    """Return the nine fields of a person in the session's organization."""
    _, person, organization = snapshot
    return {
        "id": str(person.uuid),
        "email": person.email,
        "name": person.name,
        **_organization(organization),
        "mfaEnabled": person.mfa_enabled,
    }


def me_body(snapshot: Snapshot, *, mfa_required: bool) -> dict[str, Any]:
    """Return those nine, the person's place on the platform and the limits of the organization."""
    users, resources = _limits(snapshot.organization)
    return {
        **user_body(snapshot),
        "platformRole": _platform_role(snapshot.person),
        "maxUsers": users,
        "maxResources": resources,
        "organizationMfaRequired": mfa_required,
    }


def most_users(organization: OrganizationRow) -> int | None:
    """Return how many people an organization of this tier may have; None is no limit."""
    return _limits(organization)[0]


def member_body(person: PersonRow, *, is_admin: bool) -> dict[str, Any]:
    """Return a person who has not logged in yet as an administrator sees them."""
    return {
        "id": str(person.uuid),
        "email": person.email,
        "name": person.name,
        "isOrgAdmin": is_admin,
        "platformRole": _platform_role(person),
        "isActive": person.status == PersonStatus.ACTIVE,
        "mfaEnabled": person.mfa_enabled,
        "lastLoginAt": None,
        "roleNames": _roles(is_admin=is_admin),
        "createdAt": _moment(person.created_at),
        "updatedAt": _moment(person.updated_at),
    }


def error_body(refusal: Refusal) -> dict[str, Any]:
    """Return the documented error body."""
    body = {
        "timestamp": _moment(refusal.at),
        "status": int(refusal.status),
        "error": HTTPStatus(refusal.status).phrase,
        "message": refusal.message,
        "path": refusal.path,
    }
    if refusal.status == HTTPStatus.BAD_REQUEST and refusal.problems:
        body["validationErrors"] = dict(refusal.problems)
    return body


def password_due_body(token: str) -> dict[str, Any]:
    """Return the body of a login that asks for another password first."""
    return {**_NO_CHALLENGE, **_NO_TOKENS, "passwordExpired": True, "passwordChangeToken": token}


def challenge_body(challenge: Challenge) -> dict[str, Any]:
    """Return the body of a login that asks for a second factor first."""
    return {
        **_NO_CHALLENGE,
        **_NO_TOKENS,
        "mfaRequired": True,
        "mfaChallengeToken": challenge.token,
        "mfaChallengeExpiresIn": int(challenge.lifetime.total_seconds()),
    }


def policy_body(refused: PasswordRefused) -> dict[str, Any]:
    """Return why a new password will not do, with the whole policy."""
    rules = refused.rules
    return {
        "error": "Password does not meet policy requirements",
        "details": {
            "minLength": rules.minimum_length,
            "maxLength": rules.maximum_length,
            "requireUppercase": rules.uppercase,
            "requireLowercase": rules.lowercase,
            "requireNumbers": rules.digit,
            "requireSpecialChars": rules.special,
            "preventReuse": 0,
            "violations": list(refused.violations),
        },
    }


def settings_body(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an organization asks of its members; without a word of its own, it adds nothing."""
    password = settings.get("password", {})
    return {
        "mfaRequired": settings.get("mfa_required", False),
        "passwordMinLength": password.get("minimum_length", 8),
        "passwordRequireUppercase": password.get("uppercase", False),
        "passwordRequireLowercase": password.get("lowercase", False),
        "passwordRequireDigit": password.get("digit", False),
        "passwordRequireSpecialChar": password.get("special", False),
        "passwordExpirationDays": password.get("expiration_days"),
    }


def _roles(*, is_admin: bool) -> list[str]:
    return ["ORG_ADMIN"] if is_admin else []


def _platform_role(person: PersonRow) -> str:
    return _SUPER_ADMIN if person.role == _SUPER_ADMIN else "USER"


def _limits(organization: OrganizationRow | None) -> tuple[int | None, int | None]:
    return _LIMITS.get(organization.tier if organization else "", (None, None))


def _organization(organization: OrganizationRow | None) -> dict[str, Any]:
    return {
        "isOrgAdmin": organization is not None and organization.is_admin,
        "organizationId": str(organization.id) if organization else None,
        "organizationName": organization.name if organization else None,
        "organizationSlug": organization.slug if organization else None,
        "subscriptionTier": organization.tier if organization else None,
    }


def _moment(value: datetime) -> str:
    """Return ISO 8601 with seconds and Z."""
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
