"""Which contracts are served, where, and with which token settings."""

from __future__ import annotations

import difflib
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from config import table
from config.kinds import list_items
from config.model import (
    AccessTokenCheck,
    ContractDefaults,
    ContractSettings,
    PagesSettings,
    TokenSettings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.kinds import T
    from config.reading import Reading

_PREFIX = re.compile(r"/|(/[A-Za-z0-9._~-]+)+")
_ZERO = timedelta(0)
_PAGES_PREFIX = "/account"


def mounted_contracts(
    reading: Reading, known: Mapping[str, ContractDefaults]
) -> tuple[ContractSettings, ...]:
    items = list_items(reading.required(table.CONTRACTS))
    if not items:
        reading.refuse("names no contract. Accepted: " + _choices(known), table.CONTRACTS.name)
    mounted: dict[str, ContractSettings] = {}
    for item in items:
        name, at, prefix = (part.strip() for part in item.partition("@"))
        problem = _mounting_problem(name, prefix if at else "/", known, mounted)
        if problem:
            reading.refuse(problem, table.CONTRACTS.name)
            continue
        documents = known[name]
        mounted[name] = ContractSettings(
            name=name,
            prefix=prefix or documents.prefix,
            tokens=_token_settings(reading, name, documents),
            documents=documents,
        )
    return tuple(mounted.values())


def pages(
    reading: Reading, known: Mapping[str, ContractDefaults], mounted: tuple[ContractSettings, ...]
) -> PagesSettings | None:
    """Settle where the pages are; they use the sessions of the first contract that can carry them."""
    is_set, home = reading.is_set(table.PAGES.name), reading.optional(table.PAGES_HOME)
    prefix = reading.optional(table.PAGES) if is_set else _PAGES_PREFIX
    carriers = [contract.name for contract in mounted if known[contract.name].carries_pages]
    if carriers:
        if prefix is None and home is not None:
            reading.refuse(
                f"is where a sign-in on the pages leads, and {table.PAGES.name}=off serves none. "
                "Remove one of them.",
                *(table.PAGES_HOME.name, table.PAGES.name),
            )
        return PagesSettings(prefix=prefix, home=home, contract=carriers[0])
    able = ", ".join(name for name, defaults in known.items() if defaults.carries_pages)
    if is_set and prefix is not None:
        reading.refuse(
            f"asks for pages, which use the sessions of {able}. Serve it too, or set off.",
            table.PAGES.name,
            table.CONTRACTS.name,
        )
    elif home is not None:
        reading.refuse(
            f"is where a sign-in on the pages leads, and only {able} has pages. Serve it too, or remove it.",
            table.PAGES_HOME.name,
            table.CONTRACTS.name,
        )
    return None


def _mounting_problem(
    name: str, prefix: str, known: Mapping[str, ContractDefaults], mounted: Mapping[str, ContractSettings]
) -> str | None:
    if name not in known:
        nearest = difflib.get_close_matches(name, known, n=1)
        advice = f" Did you mean {nearest[0]}?" if nearest else ""
        return f"{name!r} is not a known contract.{advice} Accepted: {_choices(known)}"
    if name in mounted:
        return f"{name} is named twice. Keep one; a contract is served under one prefix."
    if not _PREFIX.fullmatch(prefix) or any(segment in {".", ".."} for segment in prefix.split("/")):
        return (
            f"the prefix {prefix!r} of {name} is no path. Write `{name}@/prefix`, with no slash at the end."
        )
    return None


def _choices(known: Mapping[str, ContractDefaults]) -> str:
    return ", ".join(known) + "; `name@/prefix` serves one under another prefix."


def _token_settings(reading: Reading, name: str, defaults: ContractDefaults) -> TokenSettings:
    """Settle one contract's settings: its override, the general setting, then what it documents.

    A documented value yields to one that is set; only two that are set can contradict each other.
    """

    def settle(setting: table.Setting[T], documented: T) -> T:
        return reading.for_contract(setting, name, documented)

    check = settle(table.ACCESS_TOKEN_CHECK, reading.required(table.ACCESS_TOKEN_CHECK))
    absolute = settle(table.SESSION_ABSOLUTE_SECONDS, defaults.absolute_lifetime)
    grace = settle(table.REFRESH_GRACE_SECONDS, defaults.grace)
    can_recover = check is AccessTokenCheck.SESSION and grace > _ZERO
    return TokenSettings(
        access_token_type=settle(table.ACCESS_TOKEN_TYPE, reading.required(table.ACCESS_TOKEN_TYPE)),
        access_lifetime=settle(table.ACCESS_TOKEN_SECONDS, min(defaults.access_lifetime, absolute)),
        inactivity_timeout=settle(
            table.SESSION_INACTIVITY_SECONDS, min(defaults.inactivity_timeout, absolute)
        ),
        absolute_lifetime=absolute,
        grace=grace,
        recovery=settle(table.REFRESH_RECOVERY_SECONDS, defaults.recovery if can_recover else _ZERO),
        access_token_check=check,
    )
