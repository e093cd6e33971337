"""What an organization is called in addresses."""

import itertools
import re

from sqlalchemy import select
from sqlalchemy.orm import Session as Transaction

from app.models import Organization

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LENGTH = 128
_FOUNDED_LENGTH = 100


def is_slug(text: str) -> bool:
    """Tell whether a text is lower-case letters, digits and single hyphens, and not too many."""
    return len(text) <= _LENGTH and _SLUG.fullmatch(text) is not None


def free_slug(transaction: Transaction, name: str) -> str:
    """Return a name in lower case with hyphens, and a number behind it where that is taken."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_FOUNDED_LENGTH].strip("-")
    plain = plain or "organization"
    taken = set(transaction.scalars(select(Organization.slug).where(Organization.slug.startswith(plain))))
    numbered = (f"{plain}-{number}" for number in itertools.count(2))
    return plain if plain not in taken else next(slug for slug in numbered if slug not in taken)
