"""The written reference says what the table says."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import contracts
from config import render_documentation, render_environment_sample, resolve_settings, table
from tests.pure.test_settings import INSTANCE, KEY, NEST_AUTH

ROOT = Path(__file__).parents[2]


def test_the_configuration_page_is_what_the_table_renders() -> None:
    assert (ROOT / "docs/configuration.md").read_text("utf-8") == render_documentation(contracts.defaults())


def test_the_sample_environment_is_what_the_table_renders() -> None:
    assert (ROOT / ".env.example").read_text("utf-8") == render_environment_sample()


def test_every_declared_setting_has_its_place_in_a_section() -> None:
    declared = {value.name for value in vars(table).values() if isinstance(value, table.Setting)}

    assert declared == {setting.name for setting in table.ALL}
    assert len(table.ALL) == len(declared)


@pytest.mark.parametrize("setting", table.ALL, ids=lambda setting: setting.name)
def test_every_setting_is_documented(setting: table.Setting[object]) -> None:
    assert f"| `{setting.name}` |" in render_documentation({"nest_auth": NEST_AUTH})


def test_the_sample_environment_can_be_uncommented_except_for_the_key() -> None:
    lines = [line[1:] for line in render_environment_sample().splitlines() if line.startswith("#KEYTURN_")]
    environ = dict(line.split("=", 1) for line in lines) | {"KEYTURN_SECRET_KEY": KEY}

    found = resolve_settings(environ, {"nest_auth": NEST_AUTH}, INSTANCE)

    assert found == resolve_settings({"KEYTURN_SECRET_KEY": KEY}, {"nest_auth": NEST_AUTH}, INSTANCE)
