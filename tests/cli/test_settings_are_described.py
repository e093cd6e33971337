from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("command", "page"), [("reference", "docs/configuration.md"), ("sample", ".env.example")]
)
def test_the_pages_about_settings_come_from_a_command(app, command: str, page: str):
    printed = app.test_cli_runner().invoke(args=["settings", command])

    assert printed.exit_code == 0
    assert printed.output == (ROOT / page).read_text("utf-8")
