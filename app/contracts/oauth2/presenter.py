"""What oauth2 calls things: claims, bodies, metadata."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from app.engine.grant import Grant
from app.engine.snapshot import Snapshot
from app.http.contract import Refusal

TOKENS = {"access_token": "access", "refresh_token": "refresh"}
INACTIVE = {"active": False}

_PROOFS = ["client_secret_basic", "client_secret_post"]


def token_body(grant: Grant) -> dict[str, Any]:
    """Return the body of a token answer, without the tokens."""
    lifetime = grant.access_expires_at - grant.issued_at
    return {"token_type": "Bearer", "expires_in": int(lifetime.total_seconds())}


def access_claims(grant: Grant) -> dict[str, Any]:
    """Return the claims beside those of every access token (RFC 9068 section 2.2)."""
    return {"client_id": grant.session.client_id}


def access_token_facts(snapshot: Snapshot, claims: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a live access token."""
    told = {name: claims[name] for name in ("iss", "aud", "jti", "iat", "exp")}
    return {**_facts(snapshot, "Bearer"), **told}


def refresh_token_facts(snapshot: Snapshot, issuer: str) -> dict[str, Any]:
    """Describe a live refresh token."""
    session = snapshot.session
    span = {"iat": _seconds(session.rotated_at), "exp": _seconds(session.expires_at)}
    # Said apart from `Bearer`, so that no service takes it for an access token.
    return {**_facts(snapshot, "refresh_token"), "iss": issuer, **span}


def metadata(issuer: str, prefix: str) -> dict[str, Any]:
    """Return where everything is; `prefix` is what the contract is mounted under."""
    base = issuer + prefix.rstrip("/")
    return {
        "issuer": issuer,
        "token_endpoint": f"{base}/token",
        "token_endpoint_auth_methods_supported": [*_PROOFS, "none"],
        "revocation_endpoint": f"{base}/revoke",
        "revocation_endpoint_auth_methods_supported": [*_PROOFS, "none"],
        "introspection_endpoint": f"{base}/introspect",
        "introspection_endpoint_auth_methods_supported": _PROOFS,
        "grant_types_supported": ["refresh_token", "password"],
        # Required even where there is no authorization endpoint to ask for any.
        "response_types_supported": [],
    }


def error_body(refusal: Refusal) -> dict[str, Any]:
    """Return the documented error body; what only HTTP has a name for is named by its class."""
    is_ours = refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    code = refusal.code or ("server_error" if is_ours else "invalid_request")
    return {"error": code, "error_description": refusal.message}


def _facts(snapshot: Snapshot, token_type: str) -> dict[str, Any]:
    session, person, _ = snapshot
    username = person.username or person.email
    return {
        "active": True,
        "token_type": token_type,
        "client_id": session.client_id,
        "sub": str(person.uuid),
        **({"username": username} if username else {}),
        "sid": str(session.id),
    }


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
