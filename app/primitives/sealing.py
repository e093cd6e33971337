"""Encryption of what must be read back: AES-256-GCM, bound to where it is kept."""

import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class SealBroken(Exception):
    """The text was changed, belongs elsewhere, or was sealed with a key that is gone."""


def seal(key: bytes, content: bytes, place: bytes) -> bytes:
    """Return nonce and ciphertext; `place` is authenticated and has to be the same when it is opened.

    Source: NIST SP 800-38D section 8.2.2, random nonces of 96 bits.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, place)


def unseal(keys: Sequence[bytes], sealed: bytes, place: bytes) -> tuple[bytes, bool]:
    """Return the content, and whether the first of the keys had sealed it.

    Raises:
        SealBroken: none of the keys opens it in this place.
    """
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    for index, key in enumerate(keys):
        try:
            return AESGCM(key).decrypt(nonce, ciphertext, place), index == 0
        except (InvalidTag, ValueError):  # a ValueError for what is too short to have been sealed
            continue
    raise SealBroken
