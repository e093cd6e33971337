"""Writes the generated parts of docs/contracts.md: `python -m tests.contracts.conformance --write`.

What a contract's document states is said where it is shown: in docstrings that start with `[seed]`.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from app import contracts
from app.engine.refresh_tokens import EnvelopeForm
from app.primitives.keyring import Keyring
from tests.contracts.devices import DIALECTS, Dialect
from tests.contracts.transcript import transcripts

PAGE = Path(__file__).parents[2] / "docs/contracts.md"
_TESTS = Path(__file__).parent
_MARK = "[seed] "
EVERY = "every contract"


class Fact(NamedTuple):
    """Something that a contract's document states, and the test that shows it."""

    contract: str
    text: str
    test: str


def facts() -> list[Fact]:
    """Return every fact that a test is said to show, in the order of files and lines."""
    return [fact for path in sorted(_TESTS.glob("test_*.py")) for fact in _facts_of(path)]


def _facts_of(path: Path) -> Iterator[Fact]:
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            documentation = " ".join((ast.get_docstring(node) or "").split())
            if documentation.startswith(_MARK):
                text = documentation.removeprefix(_MARK).partition("; [docs]")[0]
                yield Fact(_contract_of(path), text, f"{path.stem}::{node.name}")


def _contract_of(path: Path) -> str:
    named = [name for name in contracts.discover() if path.stem.startswith(f"test_{name}")]
    return named[0] if named else EVERY


def conformance_table() -> str:
    """Return the facts of each contract with their tests."""
    found = facts()
    owners = [*(name for name in contracts.discover() if any(fact.contract == name for fact in found)), EVERY]
    return "\n\n".join(_table_of(owner, found) for owner in owners)


def _table_of(owner: str, found: list[Fact]) -> str:
    title = f"`{owner}`" if owner in contracts.discover() else "Every contract"
    rows = [f"| {_cell(fact.text)} | `{fact.test}` |" for fact in found if fact.contract == owner]
    return "\n".join([f"### {title}\n", "| stated | shown by |", "|---|---|", *rows])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def mounts_table() -> str:
    """Return what each contract is unless settings say otherwise."""
    head = "| contract | prefix | refresh | refresh token | access | inactivity | grace | recovery |"
    return "\n".join([head, "|---|---|---|---|---|---|---|---|", *map(_mount_row, DIALECTS)])


def _mount_row(dialect: Dialect) -> str:
    contract, defaults = dialect.contract, dialect.contract.defaults
    is_jwt = isinstance(contract.refresh_form(Keyring(["x" * 32])), EnvelopeForm)
    cells = [
        f"`{contract.name}`",
        f"`{defaults.prefix}`",
        f"`POST {dialect.device.refresh_path}`",
        "JWT" if is_jwt else "opaque",
        *map(
            _duration,
            (defaults.access_lifetime, defaults.inactivity_timeout, defaults.grace, defaults.recovery),
        ),
    ]
    return f"| {' | '.join(cells)} |"


def _duration(value: timedelta) -> str:
    units = (("d", timedelta(days=2)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1)))
    sizes = {"d": timedelta(days=1), "h": timedelta(hours=1), "min": timedelta(minutes=1)}
    for unit, least in units:
        if value >= least:
            return f"{value // sizes[unit]} {unit}"
    return f"{int(value.total_seconds())} s" if value else "0"


SECTIONS: dict[str, Callable[[], str]] = {
    "mounts": mounts_table,
    "curl": transcripts,
    "conformance": conformance_table,
}


def section(page: str, name: str) -> str:
    """Return the generated part of a page that has this name.

    Raises:
        LookupError: the page has no such part.
    """
    found = re.search(_pattern(name), page)
    if found is None:
        raise LookupError(name)
    return found[2]


def renewed(page: str) -> str:
    """Return the page with every generated part as it should be."""
    for name, generate in SECTIONS.items():
        text = generate()
        page = re.sub(_pattern(name), lambda found, text=text: f"{found[1]}{text}{found[3]}", page)
    return page


def _pattern(name: str) -> str:
    return rf"(?s)(<!-- generated: {name} -->\n\n)((?:(?!<!--).)*?)(\n\n<!-- end -->)"


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m tests.contracts.conformance --write")
    PAGE.write_text(renewed(PAGE.read_text("utf-8")), "utf-8")
