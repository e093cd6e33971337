"""Refuses what is set and would be read by nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config import table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.model import ContractDefaults, Settings
    from config.reading import Reading


def refuse_unread(settings: Settings, reading: Reading, known: Mapping[str, ContractDefaults]) -> None:
    """Refuse every setting that would do nothing here, with what it lacks.

    A default that is written out does no harm, and neither does switching off what is not there.
    """
    if any(problem.name == table.CONTRACTS.name for problem in reading.problems):
        return
    for setting in table.ALL:
        value = reading.optional(setting)
        if value and not setting.is_default(value) and not setting.reach.given(settings):
            able = ", ".join(setting.reach.bringers(known))
            ways = [f"serve {able}"] if able else []
            ways += [setting.reach.advice] if setting.reach.advice else []
            advice = ", ".join([*ways, "or remove it"])
            reading.refuse(
                f"has no effect without {setting.reach.needs}. {advice[:1].upper()}{advice[1:]}.",
                setting.name,
            )
    _refuse_unread_overrides({contract.name for contract in settings.contracts}, reading, known)


def _refuse_unread_overrides(
    served: set[str], reading: Reading, known: Mapping[str, ContractDefaults]
) -> None:
    for setting in table.PER_CONTRACT:
        overrides = {name: setting.override(name) for name in known if reading.is_set(setting.override(name))}
        for name in sorted(overrides.keys() - served):
            reading.refuse(
                f"has no effect, because {name} is not served. Serve it too, or remove this.", overrides[name]
            )
        value = reading.optional(setting)
        is_general = value is not None and not setting.is_default(value)
        if is_general and overrides.keys() >= served:
            reading.refuse(
                "has no effect, because every contract that is served has a setting of its own. "
                "Remove it, or one of those.",
                *(setting.name, *overrides.values()),
            )
