"""The product keeps the rules of the house, and every rule notices when it is broken."""

from pathlib import Path

import pytest

from tests.house import rules
from tests.house.rules import PRODUCT_RULES, ROOT, TEXT_RULES, Rule, Source

PRODUCT = ("wsgi.py", "app", "config")
# What is generated, fetched or made on one machine; everything else in the checkout is ours.
NOT_OURS = {"instance", "node_modules", "__pycache__", ".venv", ".git", "package-lock.json"}

BROKEN = [
    (rules.time_comes_from_the_clock, "app/engine/x.py", "now = datetime.now(UTC)"),
    (rules.time_comes_from_the_clock, "app/engine/x.py", "now = datetime.datetime.utcnow()"),
    (rules.time_comes_from_the_clock, "app/engine/x.py", "from time import time"),
    (rules.environment_is_read_by_config, "app/http/x.py", "debug = os.environ['DEBUG']"),
    (rules.environment_is_read_by_config, "app/http/x.py", "from os import getenv"),
    (rules.secrets_are_compared_in_constant_time, "app/engine/x.py", "ok = token.mac == expected"),
    (rules.secrets_are_compared_in_constant_time, "app/engine/x.py", "bad = expected != stored_digest"),
    (rules.transactions_end_in_the_engine, "app/contracts/x.py", "database.session.commit()"),
    (rules.status_codes_stay_on_the_upper_floors, "app/engine/x.py", "refuse(401)"),
    (rules.imports_stand_at_the_top, "config/x.py", "def load():\n    import json"),
    (rules.modules_are_named_for_what_they_do, "app/http/utils.py", ""),
    (rules.modules_are_named_for_what_they_do, "app/common/clock.py", ""),
    (rules.functions_fit_on_half_a_screen, "app/x.py", "def long():\n" + "    step()\n" * 41),
    (rules.files_stay_short, "app/x.py", "step()\n" * 351),
    (rules.nothing_is_left_for_later, "docs/x.md", "a " + "TO" + "DO"),
    (rules.files_speak_of_the_project_alone, "docs/x.md", "see /home" + "/ada/keyturn"),
    (rules.files_speak_of_the_project_alone, "docs/x.md", "closes is" + "sue 7"),
    (rules.files_speak_of_the_project_alone, "docs/x.md", f"run {ROOT}/bench"),
]
KEPT = [
    (rules.time_comes_from_the_clock, "app/primitives/clock.py", "now = datetime.now(UTC)"),
    (rules.environment_is_read_by_config, "config/x.py", "debug = os.environ['DEBUG']"),
    (rules.secrets_are_compared_in_constant_time, "app/x.py", "ok = hmac.compare_digest(mac, other)"),
    (rules.secrets_are_compared_in_constant_time, "app/x.py", "unsigned = header.algorithm == 'none'"),
    (rules.transactions_end_in_the_engine, "app/engine/x.py", "transaction.commit()"),
    (rules.status_codes_stay_on_the_upper_floors, "app/contracts/x.py", "refuse(401)"),
    (
        rules.functions_fit_on_half_a_screen,
        "app/x.py",
        "def table():\n    return [\n" + "1,\n" * 60 + "    ]",
    ),
    (rules.files_stay_short, "config/x.py", "TABLE = [\n" + "1,\n" * 400 + "]"),
]


def files(*tops: str) -> list[Path]:
    found = (path for top in tops for path in (ROOT / top, *(ROOT / top).rglob("*")))
    return [path for path in found if path.is_file() and not NOT_OURS & set(path.relative_to(ROOT).parts)]


def offences(rule: Rule, paths: list[Path]) -> list[str]:
    sources = (Source(str(path.relative_to(ROOT)), path.read_text("utf-8")) for path in paths)
    return [f"{source.path}:{line}" for source in sources for line in rule(source)]


def names(value: object) -> str:
    return value.__name__ if callable(value) else ""


@pytest.mark.parametrize("rule", PRODUCT_RULES, ids=names)
def test_product_keeps_the_rule(rule: Rule):
    python = [path for path in files(*PRODUCT) if path.suffix == ".py"]
    assert len(python) > 1
    assert offences(rule, python) == []


@pytest.mark.parametrize("rule", TEXT_RULES, ids=names)
def test_every_file_keeps_the_rule(rule: Rule):
    tops = (path.name for path in ROOT.iterdir() if not path.name.startswith("."))
    ours = files(*tops, ".ci", ".make", ".env.example", ".gitignore")
    assert offences(rule, [path for path in ours if b"\0" not in path.read_bytes()]) == []


@pytest.mark.parametrize(("rule", "path", "text"), BROKEN, ids=names)
def test_rule_notices_what_breaks_it(rule: Rule, path: str, text: str):
    assert list(rule(Source(path, text)))


@pytest.mark.parametrize(("rule", "path", "text"), KEPT, ids=names)
def test_rule_lets_pass_what_keeps_it(rule: Rule, path: str, text: str):
    assert not list(rule(Source(path, text)))


def test_every_rule_is_shown_to_notice_something():
    assert {rule for rule, _, _ in BROKEN} == {*PRODUCT_RULES, *TEXT_RULES}
