"""What a new password must be like: the deployment's rules and those of the person's organizations."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

SETTINGS_KEY = "password"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordRules:
    """Lengths count code points. No kind of character is demanded unless an organization does so.

    `expires_after` makes a password due for a change at the next login; it is for organizations that have to.
    Source: NIST SP 800-63B-4 section 3.1.1.2, which advises against composition rules and expiry.
    """

    minimum_length: int
    maximum_length: int
    uppercase: bool = False
    lowercase: bool = False
    digit: bool = False
    special: bool = False
    expires_after: timedelta | None = None

    def have_expired(self, chosen_at: datetime, now: datetime) -> bool:
        """Tell whether a password that was chosen then is older than it may be."""
        return self.expires_after is not None and now - chosen_at >= self.expires_after

    def violations(self, password: str) -> list[str]:
        """Return what is wrong with a password, for the person to read."""
        demands = (
            (
                len(password) >= self.minimum_length,
                f"password must be at least {self.minimum_length} characters",
            ),
            (
                len(password) <= self.maximum_length,
                f"password must be at most {self.maximum_length} characters",
            ),
            (
                not self.uppercase or any(map(str.isupper, password)),
                "password must contain an upper-case letter",
            ),
            (
                not self.lowercase or any(map(str.islower, password)),
                "password must contain a lower-case letter",
            ),
            (not self.digit or any(map(str.isdigit, password)), "password must contain a digit"),
            (
                not self.special or not all(map(str.isalnum, password)),
                "password must contain a special character",
            ),
        )
        return [text for is_met, text in demands if not is_met]

    def with_organization(self, settings: Mapping[str, Any]) -> "PasswordRules":
        """Return the stricter of these rules and an organization's, point by point."""
        theirs = settings.get(SETTINGS_KEY) or {}
        days = theirs.get("expiration_days")
        ends = [end for end in (self.expires_after, timedelta(days=days) if days else None) if end]
        return replace(
            self,
            minimum_length=min(
                self.maximum_length, max(self.minimum_length, theirs.get("minimum_length", 0))
            ),
            **{
                kind: getattr(self, kind) or bool(theirs.get(kind))
                for kind in ("uppercase", "lowercase", "digit", "special")
            },
            expires_after=min(ends, default=None),
        )
