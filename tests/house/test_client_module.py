"""keyturn.js stays small enough to be read before it is trusted, and needs nothing."""

import re

from tests.house.rules import ROOT

MODULE = (ROOT / "app/pages/keyturn.js").read_text("utf-8")
PAGE = (ROOT / "docs/browser.md").read_text("utf-8")


def test_module_is_short() -> None:
    lines = MODULE.splitlines()
    assert len(lines) <= 200
    assert max(map(len, lines)) < 120


def test_module_depends_on_nothing_and_evaluates_nothing() -> None:
    assert not re.search(r"\bimport\b|\brequire\(|\beval\(|\bFunction\(|innerHTML", MODULE)


def test_every_member_event_and_option_is_documented() -> None:
    types = (ROOT / "app/pages/keyturn.d.ts").read_text("utf-8")
    for interface in ("Keyturn", "KeyturnOptions", "KeyturnEvents"):
        body = types.partition(f"interface {interface} {{")[2].partition("\n}")[0]
        names = re.findall(r"^  (?:readonly )?(\w+)[?:(<]", body, re.MULTILINE)
        assert names
        assert [name for name in names if not re.search(rf"`[^`]*\b{name}\b[^`]*`", PAGE)] == []
