"""One reading of the environment that collects every problem instead of stopping at the first."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, TypeVar

from config import table
from config.problems import Problem, Unacceptable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from config.kinds import Kind, T
    from config.table import Setting

Default = TypeVar("Default")

_LONGEST_SHOWN = 60


class Reading:
    """The `KEYTURN_` names of an environment. An empty value counts as not set."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._texts = {
            name: text.strip() for name, text in environ.items() if _is_ours(name) and text.strip()
        }
        # A dict, because it keeps the order and several contracts may meet the same problem.
        self._problems: dict[Problem, None] = {}
        self._refused: set[str] = set()

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(self._problems)

    def is_set(self, name: str) -> bool:
        return name in self._texts

    def source(self, setting: Setting[object], contract: str) -> str:
        """Return the name that decides the setting for a contract: its own override or the general one."""
        override = setting.override(contract)
        return override if override in self._texts else setting.name

    def required(self, setting: Setting[T]) -> T:
        """Return the value, or the setting's default where it is absent or unacceptable."""
        default = setting.kind.parse(setting.default or "")
        return self._parse(setting.name, setting.kind, default)

    def optional(self, setting: Setting[T]) -> T | None:
        return self._parse(setting.name, setting.kind, None)

    def for_contract(self, setting: Setting[T], contract: str, default: T) -> T:
        return self._parse(self.source(setting, contract), setting.kind, default)

    def refuse(self, message: str, *names: str) -> None:
        """Record a problem under the first name, unless one of the names is already known to be wrong."""
        if self._refused.isdisjoint(names):
            self._problems[Problem(name=names[0], message=message)] = None

    def refuse_value(self, name: str, message: str) -> None:
        """Record that a value is unusable, so that rules about it keep silent."""
        self.refuse(message, name)
        self._refused.add(name)

    def refuse_unknown(self, contracts: Iterable[str]) -> None:
        """Refuse names that nothing reads, and check overrides for contracts that are not served too."""
        overrides = {setting.override(name): setting for name in contracts for setting in table.PER_CONTRACT}
        general = {setting.name: setting for setting in table.ALL}
        for name in sorted(self._texts.keys() - general.keys()):
            if name in overrides:
                self._parse(name, overrides[name].kind, None)
            else:
                self.refuse_value(name, _unknown(name, general, overrides))

    def _parse(self, name: str, kind: Kind[T], default: Default) -> T | Default:
        text = self._texts.get(name)
        if text is None or name in self._refused:
            return default
        try:
            return kind.parse(text)
        except Unacceptable as error:
            shown = "the value" if kind.private else repr(text[:_LONGEST_SHOWN])
            self.refuse_value(name, f"{shown} {error}. Accepted: {kind.accepted}.")
            return default


def _is_ours(name: str) -> bool:
    return name.startswith(table.PREFIX) and not name.startswith(table.TEST_SUITE_PREFIX)


def _unknown(name: str, general: Mapping[str, object], overrides: Mapping[str, object]) -> str:
    contract, separator, rest = name.removeprefix(table.PREFIX).partition("__")
    whole = table.PREFIX + rest
    known_contract = any(other.startswith(f"{table.PREFIX}{contract}__") for other in overrides)
    if separator and known_contract and whole in general:
        return f"cannot be set for one contract. Set {whole} instead, or remove it."
    # Compared without the prefix, which would make any two names look alike.
    names = {known.removeprefix(table.PREFIX): known for known in (*general, *overrides)}
    nearest = difflib.get_close_matches(name.removeprefix(table.PREFIX), names, n=1)
    advice = f"Did you mean {names[nearest[0]]}?" if nearest else "See docs/configuration.md."
    return f"unknown setting. {advice} Correct the name or remove it."
