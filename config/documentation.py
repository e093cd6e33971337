"""The reference of all settings and the sample environment, both written from the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config import table
from config.reach import EVERYWHERE
from config.rules import RULES
from config.signing_keys import HOW_TO_MAKE_ONE, SAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import timedelta

    from config.model import ContractDefaults
    from config.reach import Reach
    from config.table import Setting

_INTRODUCTION = """\
# Configuration

Settings come from the environment and are read once, at start-up. All problems are reported together, and an
unknown `KEYTURN_` name is one of them. An empty value counts as not set. Durations are whole seconds.
Names that start with `KEYTURN_TEST_` belong to the test suite and are left alone.
This page is generated from `config/table.py`.
"""

_OVERRIDES = """\
## One contract among several

`KEYTURN_<CONTRACT>__<SETTING>` (two underscores) sets one of these for one contract, and goes before the
general name: {names}. For example `{example}`.

What a contract documents holds where neither is set. It yields to what is set: a shorter absolute lifetime
shortens the other lifetimes, and recovery is 0 where it may not be higher.
"""

_UNREAD = """\
## Settings that nothing would read

What is set and would do nothing is refused: one of the settings below without what it needs, one for a
contract that is not served, and a general one where every contract that is served has its own. A default
that is written out, and a value that switches something off, are accepted everywhere.
"""


def render_documentation(contracts: Mapping[str, ContractDefaults]) -> str:
    """Return docs/configuration.md."""
    return "\n".join(
        (
            _INTRODUCTION,
            *(_section(title, settings) for title, settings in table.SECTIONS),
            _overrides(contracts),
            _contracts(contracts),
            _UNREAD,
            _reaches(contracts),
            "## Rules between settings\n",
            *(f"- {rule.says}" for rule in RULES),
            "",
        )
    )


def render_environment_sample() -> str:
    """Return .env.example: every setting, commented out, with what holds without it."""
    return "\n".join(
        ("# Every setting with its default. docs/configuration.md explains them.", *_sample_lines(), "")
    )


def _section(title: str, settings: Iterable[Setting[object]]) -> str:
    rows = (
        (f"`{setting.name}`", _default(setting), setting.kind.accepted, setting.why) for setting in settings
    )
    return f"## {title}\n\n" + _markdown_table(("Setting", "Default", "Accepted", "Why"), rows)


def _default(setting: Setting[object]) -> str:
    return setting.derived if setting.default is None else f"`{setting.default}`"


def _overrides(contracts: Mapping[str, ContractDefaults]) -> str:
    names = ", ".join(f"`{setting.name.removeprefix(table.PREFIX)}`" for setting in table.PER_CONTRACT)
    example = f"{table.ACCESS_TOKEN_TYPE.override(next(iter(contracts), 'contract'))}=cookie"
    return _OVERRIDES.format(names=names, example=example)


def _contracts(contracts: Mapping[str, ContractDefaults]) -> str:
    rows = (
        (
            f"`{name}`",
            f"`{contract.prefix}`",
            _seconds(contract.access_lifetime),
            _seconds(contract.inactivity_timeout),
            _seconds(contract.absolute_lifetime),
            _seconds(contract.grace),
            _seconds(contract.recovery),
        )
        for name, contract in contracts.items()
    )
    return _markdown_table(
        ("Contract", "Prefix", "Access", "Inactivity", "Absolute", "Grace", "Recovery"), rows
    )


def _reaches(contracts: Mapping[str, ContractDefaults]) -> str:
    names: dict[Reach, list[str]] = {}
    for setting in table.ALL:
        if setting.reach is not EVERYWHERE:
            names.setdefault(setting.reach, []).append(f"`{setting.name}`")
    rows = (
        (
            ", ".join(settings),
            reach.needs,
            ", ".join(f"`{name}`" for name in reach.bringers(contracts)) or "–",
        )
        for reach, settings in names.items()
    )
    return _markdown_table(("Settings", "No effect without", "Contracts that have it"), rows)


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():.0f}"


def _markdown_table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (heads, ("---",) * len(heads), *rows)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _sample_lines() -> Iterator[str]:
    for title, settings in table.SECTIONS:
        yield f"\n# {title}"
        for setting in settings:
            yield f"# {setting.why}"
            if setting is table.SECRET_KEY:
                yield f"# {HOW_TO_MAKE_ONE}"
                yield f"#{setting.name}={SAMPLE}"
            else:
                yield f"#{setting.name}={setting.default or ''}"
