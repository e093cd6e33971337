"""Passwords: argon2id, a bound on how many are computed at once, and the policy for new ones."""

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.engine.errors import PasswordRefused, Unavailable
from config import PasswordSettings

_WAIT_SECONDS = 10


class Passwords:
    """Hashes and verifies. At most `hash_concurrency` at once, so that a flood of logins starves nobody else.

    Source: OWASP Password Storage Cheat Sheet; NIST SP 800-63B-4 section 3.1.1.2.
    """

    def __init__(self, settings: PasswordSettings) -> None:
        self._settings = settings
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_iterations,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_parallelism,
        )
        self._slots = threading.BoundedSemaphore(settings.hash_concurrency)
        self._nobody = self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """Return the encoded argon2id hash with its parameters and salt.

        Raises:
            Unavailable: too many other hashes were being computed.
        """
        with self._slot():
            return self._hasher.hash(_fixed_form(password))

    def verify(self, hashed: str | None, password: str) -> bool:
        """Tell whether the password is the hashed one; costs the same work when there is none.

        Raises:
            Unavailable: too many other hashes were being computed.
        """
        with self._slot():
            try:
                self._hasher.verify(hashed or self._nobody, _fixed_form(password))
            except (VerificationError, InvalidHashError):
                return False
        return hashed is not None

    def is_outdated(self, hashed: str) -> bool:
        """Tell whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(hashed)

    def check_policy(self, password: str, *context: str | None) -> None:
        """Refuse a new password that is too short, too long or the person's own name.

        Length is counted in code points. There are no composition rules.

        Raises:
            PasswordRefused: with the reason, for the person to read.
        """
        length = len(_fixed_form(password))
        if length < self._settings.minimum_length:
            raise PasswordRefused(f"password must be at least {self._settings.minimum_length} characters")
        if length > self._settings.maximum_length:
            raise PasswordRefused(f"password must be at most {self._settings.maximum_length} characters")
        if password.casefold() in {word.casefold() for word in context if word}:
            raise PasswordRefused("password must not be your own name or address")

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(timeout=_WAIT_SECONDS):
            raise Unavailable("too many passwords are being hashed", timedelta(seconds=2))
        try:
            yield
        finally:
            self._slots.release()


def _fixed_form(password: str) -> str:
    """Return the one Unicode form of a password, however it was composed; nothing is cut or folded."""
    return unicodedata.normalize("NFC", password)
