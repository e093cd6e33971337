"""A person without a mouse: goes from one thing to the next with Tab, and sees where that has led."""

from tests.browser.driver import Page

_MOST_STEPS = 60
# What has the focus: what it is called, and whether a person sees that it has it.
_FOCUSED = """() => {
  const element = document.activeElement;
  const {left, right, top, bottom, width, height} = element.getBoundingClientRect();
  const {outlineStyle, outlineWidth} = getComputedStyle(element);
  const name = element.getAttribute('aria-label') ?? (element.labels?.[0] ?? element).textContent;
  return {
    name: element === document.body ? '' : name.trim().replace(/\\s+/g, ' '),
    isOutlined: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
    isInView: width > 0 && height > 0 && right > 0 && bottom > 0 && left < innerWidth && top < innerHeight,
  };
}"""


class Keyboard:
    """The keys of one page. Fails the test where the focus cannot be seen."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def focused(self) -> str:
        """Return what has the focus, by the name that a screen reader says; nothing when it is the page."""
        found = self._page.evaluate(_FOCUSED)
        name: str = found["name"]
        if name:
            assert found["isOutlined"], f"nobody sees that {name!r} has the focus"
            assert found["isInView"], f"{name!r} has the focus out of sight"
        return name

    def step(self, key: str = "Tab") -> str:
        """Go on to the next thing, or with Shift+Tab back, and return its name."""
        self._page.keyboard.press(key)
        return self.focused()

    def reach(self, name: str, key: str = "Tab") -> None:
        """Go on until something of this name has the focus."""
        met = [self.focused()]
        while met[-1] != name:
            assert len(met) < _MOST_STEPS, f"{name!r} is not among {list(dict.fromkeys(met))}"
            met.append(self.step(key))

    def press(self, name: str, key: str = "Enter") -> None:
        """Use a link or a button, and wait for the page to which it leads."""
        self.reach(name)
        with self._page.expect_navigation():
            self._page.keyboard.press(key)

    def write(self, label: str, text: str) -> None:
        """Fill in a field, in the place of what is in it."""
        self.reach(label)
        self._page.keyboard.press("Control+a")
        self._page.keyboard.type(text)

    def tick(self, label: str) -> None:
        """Tick a box, or take the tick away."""
        self.reach(label)
        self._page.keyboard.press("Space")

    def round(self) -> list[str]:
        """Go once through the whole page and return the names on the way, from the page's beginning."""
        self.reach("Skip to content", "Shift+Tab")
        names = ["Skip to content"]
        # From the end, a browser goes to the page itself or back to its beginning.
        while (name := self.step()) not in {"", names[0]}:
            names.append(name)
            assert len(names) < _MOST_STEPS, f"there is no way out of {names}"
        return names
