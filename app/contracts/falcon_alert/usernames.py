"""The user names that falcon_alert gives to new people: adjective, underscore, first name, number."""

import secrets
from collections.abc import Callable

from app.engine.errors import UsernameTaken
from app.engine.snapshot import PersonRow

_ADJECTIVES = ("brave", "bright", "calm", "clever", "eager", "gentle", "happy", "kind", "quick", "swift")
_LONGEST_FIRST_NAME = 40
_NUMBERS = 1_000_000
_ATTEMPTS = 5


def registered_under_new_name(name: str, register: Callable[[str], PersonRow]) -> PersonRow:
    """Register under a name that nobody has yet, trying another where it is taken.

    Raises:
        UsernameTaken: all of them were; and whatever `register` raises.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return register(_username(name))
        except UsernameTaken:
            continue
    return register(_username(name))


def _username(name: str) -> str:
    first_name = (name.replace("@", " ").split() or [""])[0][:_LONGEST_FIRST_NAME]
    return f"{secrets.choice(_ADJECTIVES)}_{first_name}{secrets.randbelow(_NUMBERS)}"
