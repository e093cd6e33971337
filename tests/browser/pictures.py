"""Pictures of every page, for a person to look at: `python -m tests.browser.pictures DIRECTORY [NAME...]`.

Each is made light and dark, for desktop and phone. With names of stops of the walk only those are made, light
and in the width of the README.
"""

import sys
from pathlib import Path

from tests.browser import looks
from tests.browser.driver import Page, missing, running_chromium
from tests.browser.service import running_site
from tests.browser.visitor import FIREFOX, Visitor
from tests.browser.walk import FACTORS, whole_walk

_SIZES = {"desktop": looks.DESKTOP, "phone": looks.PHONE}
_README = {"width": 900, "height": 480}


def main(directory: Path, chosen: list[str]) -> None:
    """Walk, and leave the pictures in a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    with running_site({"KEYTURN_MFA_METHODS": FACTORS}) as site, running_chromium() as browser:
        page = browser.new_context(viewport=_README, user_agent=FIREFOX).new_page()
        for stop in whole_walk(Visitor(page, site, "ada@example.test")):
            if stop in chosen:
                _take(page, directory / f"{stop}.png")
            elif not chosen:
                _take_all(page, directory, stop)


def _take_all(page: Page, directory: Path, stop: str) -> None:
    for size, pixels in _SIZES.items():
        page.set_viewport_size(pixels)
        for scheme in looks.SCHEMES:
            page.emulate_media(color_scheme=scheme)
            _take(page, directory / f"{stop}-{size}-{scheme}.png")


def _take(page: Page, path: Path) -> None:
    page.screenshot(path=path, full_page=True)
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    if reason := missing():
        sys.exit(reason)
    main(Path(sys.argv[1]), sys.argv[2:])
