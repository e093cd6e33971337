"""How a page looks and reads: whether it fits its window, can be hit with a finger, and what axe says."""

from collections.abc import Iterator

from tests.browser.driver import Page
from tests.browser.keyboard import Keyboard
from tests.npm import packages

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
SMALL_PHONE = {"width": 320, "height": 640}
SCHEMES = ("light", "dark")
_LEAST_PIXELS = 24

_AXE = packages.HERE / "node_modules" / "axe-core" / "axe.min.js"
# A link within a sentence is as high as its line (WCAG 2.2, success criterion 2.5.8).
_SMALL = """least => [...document.querySelectorAll('a[href], button, input:not([type=hidden], [hidden])')]
  .filter(element => element.localName !== 'a' || !element.closest('main p'))
  .filter(element => !element.closest('.skip'))
  .filter(element => {
    const {width, height} = element.getBoundingClientRect();
    return width < least || height < least;
  })
  .map(element => element.outerHTML)"""
_WIDER = "() => document.scrollingElement.scrollWidth - innerWidth"
_CUT_OFF = """() => [...document.querySelectorAll('main *, header *')]
  .filter(element => !element.closest('.unseen, .scroll') && element.scrollWidth > element.clientWidth + 1)
  .filter(element => getComputedStyle(element).display !== 'inline' && element.localName !== 'input')
  .filter(element => getComputedStyle(element).textOverflow !== 'ellipsis')
  .map(element => element.outerHTML)"""
# In the order of the page, as a person reads it: which is also the order in which Tab has to go.
_FOCUSABLE = """() => [...document.querySelectorAll('a[href], button, input, [tabindex="0"]')]
  .filter(element => element.type !== 'hidden' && !element.hidden)
  .map(element => element.getAttribute('aria-label') ?? (element.labels?.[0] ?? element).textContent)
  .map(name => name.trim().replace(/\\s+/g, ' '))"""
# Where the focus may be when a form opens: what is wrong, or else what is empty, or empty and required.
_TO_FILL_IN = """() => {
  const fields = [...document.querySelectorAll('main .field input')];
  const wrong = fields.filter(field => field.ariaInvalid).slice(0, 1);
  const empty = fields.filter(field => !field.value);
  const chosen = wrong.length ? wrong : [empty[0], empty.find(field => field.required)];
  return chosen.filter(Boolean).map(field => field.id);
}"""
_FOCUSED_FIELD = "() => document.activeElement.closest('.field input')?.id"


def complaints(page: Page) -> list[str]:
    """Return what is wrong with how a page is used: where its focus is, its size, and its order."""
    return [*_of_focus(page), *_of_layout(page), *_of_order(page)]


def complaints_of_axe(page: Page) -> list[str]:
    """Return what axe finds on a page in both sizes and schemes; it needs scripts to be run."""
    before = page.viewport_size
    page.evaluate(_AXE.read_text("utf-8"))
    found: list[str] = []
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            found += [f"{scheme}, {size['width']} pixels: {text}" for text in _of_axe(page, scheme)]
    page.set_viewport_size(before)
    return found


def _of_focus(page: Page) -> Iterator[str]:
    """A form that opens with the focus in it has it where there is something left to fill in."""
    focused, due = page.evaluate(_FOCUSED_FIELD), page.evaluate(_TO_FILL_IN)
    if focused and due and focused not in due:
        yield f"the focus is in {focused} and not in {due[0]}"


def _of_layout(page: Page) -> Iterator[str]:
    """Nothing is wider than the window or its own box, and nothing too small for a finger."""
    if (pixels := page.evaluate(_WIDER)) > 0:
        yield f"{pixels} pixels wider than the window"
    yield from (f"cut off: {html}" for html in page.evaluate(_CUT_OFF))
    yield from (f"too small: {html}" for html in page.evaluate(_SMALL, _LEAST_PIXELS))


def _of_order(page: Page) -> Iterator[str]:
    """Tab meets everything that can be used, in the order of the page."""
    met, there = Keyboard(page).round(), page.evaluate(_FOCUSABLE)
    if met != there:
        yield f"Tab goes through {met} and not through {there}"


def _of_axe(page: Page, scheme: str) -> Iterator[str]:
    """Colours are all that differs between the schemes, so only the first is looked through wholly."""
    wholly = {"rules": {"target-size": {"enabled": True}}}
    options = wholly if scheme == SCHEMES[0] else {"runOnly": ["color-contrast"]}
    for violation in page.evaluate("async options => (await axe.run(options)).violations", options):
        places = "; ".join(node["html"] for node in violation["nodes"])
        yield f"{violation['id']}: {violation['help']}: {places}"
