"""Passwords: argon2id, a bound on how many are computed at once, and the policy for new ones."""

import re
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from app.engine.breached_passwords import BreachedRange, is_breached
from app.engine.errors import PasswordRefused, Unavailable
from app.engine.password_rules import PasswordRules
from config import PasswordSettings

_WAIT_SECONDS = 10
# As many may wait as may hash. A server whose threads are more than both together always has some left for
# requests that hash nothing.
_PLACES_PER_SLOT = 2
_RETRY_AFTER = timedelta(seconds=2)
_LONGEST_JUDGED = 64
_SERVICE = "keyturn"
_WORDS = re.compile(r"[^\W_]{3,}")


class Passwords:
    """Hashes and verifies. At most `hash_concurrency` at once, so that a flood of logins starves nobody else.

    Source: OWASP Password Storage Cheat Sheet; NIST SP 800-63B-4 section 3.1.1.2.
    """

    def __init__(self, settings: PasswordSettings, breached: BreachedRange | None = None) -> None:
        self._settings = settings
        self._breached = breached
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_iterations,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_parallelism,
        )
        self._slots = threading.BoundedSemaphore(settings.hash_concurrency)
        self._places = threading.BoundedSemaphore(settings.hash_concurrency * _PLACES_PER_SLOT)
        self._nobody = self._hasher.hash("nobody has this password")

    @contextmanager
    def admission(self) -> Iterator[None]:
        """Admit to work that hashes; ask before anything is counted, so that the refused lose no attempt.

        Whoever is not among the few that hash or wait for it is sent away at once instead of keeping a thread
        waiting. Nothing has been read about anybody by then, so the refusal tells nothing.

        Raises:
            Unavailable: all places are taken.
        """
        if not self._places.acquire(blocking=False):
            raise Unavailable("too many passwords wait to be hashed", _RETRY_AFTER)
        try:
            yield
        finally:
            self._places.release()

    def hash(self, password: str) -> str:
        """Return the encoded argon2id hash with its parameters and salt.

        Raises:
            Unavailable: too many other hashes were being computed.
        """
        with self.slot():
            return self._hasher.hash(_fixed_form(password))

    def verify(self, hashed: str | None, password: str) -> bool:
        """Tell whether the password is the hashed one; costs the same work when there is none.

        Raises:
            Unavailable: too many other hashes were being computed.
        """
        with self.slot():
            try:
                self._hasher.verify(hashed or self._nobody, _fixed_form(password))
            except (VerificationError, InvalidHashError):
                return False
        return hashed is not None

    @staticmethod
    def are_same(one: str, other: str) -> bool:
        """Tell whether both are one password, however each was composed."""
        return _fixed_form(one) == _fixed_form(other)

    def is_outdated(self, hashed: str) -> bool:
        """Tell whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(hashed)

    @property
    def rules(self) -> PasswordRules:
        """The deployment's own rules."""
        return PasswordRules(
            minimum_length=self._settings.minimum_length, maximum_length=self._settings.maximum_length
        )

    def check_policy(self, password: str, *context: str | None, rules: PasswordRules | None = None) -> None:
        """Refuse a new password that breaks the rules, is common, is made from its context, or is breached.

        `context` is what the person is called and can be reached by. Outside transactions only: a source of
        breached passwords may take its time.

        Raises:
            PasswordRefused: with the reasons, for the person to read.
        """
        rules = rules or self.rules
        fixed = _fixed_form(password)
        violations = rules.violations(fixed)
        if not violations:
            violations = self._weaknesses(fixed, [word for word in context if word])
        if violations:
            raise PasswordRefused(*violations, rules=rules)

    def _weaknesses(self, password: str, context: Sequence[str]) -> list[str]:
        if password.casefold() in {word.casefold() for word in context}:
            return ["password must not be your own name or address"]
        if self._settings.strength and _score(password, context) < self._settings.strength:
            return ["password is too common or too easy to guess"]
        if self._breached is not None and is_breached(password, self._breached):
            return ["password is known from a data breach"]
        return []

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for a turn to hash; also for what is no password but takes as long to compute.

        Raises:
            Unavailable: too many other hashes were being computed.
        """
        if not self._slots.acquire(timeout=_WAIT_SECONDS):
            raise Unavailable("too many passwords are being hashed", _RETRY_AFTER)
        try:
            yield
        finally:
            self._slots.release()


def _score(password: str, context: Sequence[str]) -> int:
    """Return zxcvbn's score, from 0 to 4; what can be guessed from the context counts as known words.

    A longer password is judged by its beginning, which bounds the work and can only make it look weaker.
    """
    words = [part for word in context for part in (word, *_WORDS.findall(word))]
    score: int = zxcvbn(password[:_LONGEST_JUDGED], user_inputs=[_SERVICE, *words])["score"]
    return score


def _fixed_form(password: str) -> str:
    """Return the one Unicode form of a password, however it was composed; nothing is cut or folded."""
    return unicodedata.normalize("NFC", password)
