"""The style sheets mean the same to browsers that are years old."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STYLES = ["app/pages/static/keyturn.css", "examples/spa/static/style.css"]
COLOUR = re.compile(r"(--[\w-]+): ([^;]+);")


@pytest.mark.parametrize("path", STYLES)
def test_every_colour_is_a_plain_value_in_either_scheme(path):
    style = (ROOT / path).read_text("utf-8")
    light, dark = re.findall(r":root \{([^}]+)\}", style)
    colours, darkened = dict(COLOUR.findall(light)), dict(COLOUR.findall(dark))

    assert style.index("@media (prefers-color-scheme: dark)") < style.index(dark)
    assert set(colours) == set(darkened) == set(re.findall(r"var\((--[\w-]+)\)", style))
    assert "light-dark(" not in style
    for value in [*colours.values(), *darkened.values()]:
        assert re.fullmatch(r"#[0-9a-f]{6}", value), value
