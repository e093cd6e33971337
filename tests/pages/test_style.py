"""The style sheet means the same to browsers that are years old."""

import re
from pathlib import Path

STYLE = (Path(__file__).parents[2] / "app" / "pages" / "static" / "keyturn.css").read_text("utf-8")
COLOUR = re.compile(r"(--[\w-]+): ([^;]+);")


def test_every_colour_is_a_plain_value_in_either_scheme():
    light, dark = re.findall(r":root \{([^}]+)\}", STYLE)
    colours, darkened = dict(COLOUR.findall(light)), dict(COLOUR.findall(dark))

    assert STYLE.index("@media (prefers-color-scheme: dark)") < STYLE.index(dark)
    assert set(colours) == set(darkened) == set(re.findall(r"var\((--[\w-]+)\)", STYLE))
    for value in [*colours.values(), *darkened.values()]:
        assert re.fullmatch(r"#[0-9a-f]{6}", value), value
