"""The examples start by one command, answer, and stay small enough to be read."""

import urllib.request

import pytest

from tests.examples import EXAMPLES, running_example
from tests.house.rules import ROOT

NOT_WRITTEN = {"instance", "__pycache__"}


@pytest.mark.parametrize("target", EXAMPLES)
def test_example_starts_by_one_command_and_answers(target: str):
    with running_example(target) as example:
        for path in ("/", "/account/sign-in", "/static/style.css"):
            with urllib.request.urlopen(example.url + path) as answer:
                assert answer.status == 200
                assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("place", EXAMPLES.values())
def test_example_has_ten_files_at_most(place: str):
    found = [path for path in (ROOT / place).rglob("*") if path.is_file()]
    assert len([path for path in found if not NOT_WRITTEN & set(path.parts)]) <= 10


@pytest.mark.parametrize(("target", "place"), EXAMPLES.items())
def test_example_says_how_it_starts_and_the_readme_leads_to_it(target: str, place: str):
    assert f"make {target}" in (ROOT / place / "README.md").read_text("utf-8")
    assert f"({place}/README.md)" in (ROOT / "README.md").read_text("utf-8")
