"""docs/refresh-tokens.md tells of every outcome, and every test and setting it names exists."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from app.engine.rotation import Outcome
from config import table

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/refresh-tokens.md").read_text("utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| `")]
TABLE_TESTS = "tests/pure/test_rotation_table.py"

# A name without a file stands in the table, whose tests are in one file.
NAMED = {
    (path or TABLE_TESTS, name) for path, name in re.findall(r"`(?:(tests/[\w/]+\.py)::)?(test_\w+)`", PAGE)
}


def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("path", "name"), sorted(NAMED), ids=lambda value: value.split("/")[-1])
def test_every_test_that_the_page_names_exists(path: str, name: str):
    assert name in functions_of(path)


def test_every_outcome_has_its_row_and_reuse_has_two():
    outcomes = Counter(name for row in ROWS for name in re.findall(r"`([A-Z_]+)`", row.split("|")[1]))

    assert outcomes == Counter({outcome.name: 1 for outcome in Outcome} | {"REUSE": 2})


def test_every_row_of_the_table_gives_a_reason_and_a_test():
    for row in ROWS:
        _, _, when, why, shown_by, _ = row.split("|")
        assert when.strip()
        assert why.strip().endswith(".")
        assert re.fullmatch(r" `test_\w+` ", shown_by)


def test_every_setting_that_the_page_names_exists():
    assert set(re.findall(r"KEYTURN_\w+", PAGE)) <= {setting.name for setting in table.ALL}
