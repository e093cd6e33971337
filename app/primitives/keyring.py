"""Keys for each purpose, derived from the configured secrets. The first signs, all verify."""

import hashlib
import hmac
from collections.abc import Sequence
from enum import StrEnum


class Purpose(StrEnum):
    """What a derived key is for. Kinds of token never share a key (RFC 8725 section 3.11)."""

    ACCESS_TOKEN = "access-token"
    REFRESH_TOKEN = "refresh-token"
    REFRESH_TOKEN_CHECKSUM = "refresh-token-checksum"
    REFRESH_TOKEN_ENVELOPE = "refresh-token-envelope"
    CSRF_TOKEN = "csrf-token"
    LOGIN_THROTTLE = "login-throttle"
    ONE_TIME_CODE = "one-time-code"
    RECOVERY_CODE = "recovery-code"
    TRUSTED_DEVICE = "trusted-device"
    TOTP_SECRET = "totp-secret"


class Keyring:
    """Every key the service uses.

    `secrets` holds the signing secret first and after it the older ones that still verify, so that a new
    secret can be added to all hosts before the first of them signs with it.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets:
            raise ValueError("a keyring needs at least one secret")
        self._keys = {
            purpose: tuple(_derive(secret.encode(), purpose) for secret in secrets) for purpose in Purpose
        }

    def signing(self, purpose: Purpose) -> bytes:
        """Return the 32 bytes that sign for this purpose."""
        return self._keys[purpose][0]

    def verifying(self, purpose: Purpose) -> tuple[bytes, ...]:
        """Return every key that still verifies for this purpose, the signing one first."""
        return self._keys[purpose]


def _derive(secret: bytes, purpose: Purpose) -> bytes:
    """HKDF with SHA-256 and one block of output (RFC 5869)."""
    extracted = hmac.digest(b"keyturn", secret, hashlib.sha256)
    return hmac.digest(extracted, purpose.encode() + b"\x01", hashlib.sha256)
