"""A browser without JavaScript: keeps cookies, follows redirects, fills in the forms that it is shown."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from flask import Flask
from werkzeug.test import TestResponse

ORIGIN = "https://keyturn.example"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass
class Form:
    """A form of a page: where it goes, what it holds, and what its buttons say."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.words: list[str] = []
        self.links: dict[str, str] = {}
        self._href: str | None = None
        self._button: list[str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append(Form(given["action"], given.get("method", "get")))
        elif tag == "input" and self.forms:
            ticked = given.get("type") != "checkbox" or "checked" in given
            if ticked:
                value = "on" if given.get("type") == "checkbox" else given.get("value", "")
                self.forms[-1].fields[given["name"]] = value
        elif tag == "button":
            self._button = []
        elif tag == "a":
            self._href = given["href"]

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._button is not None:
            self.forms[-1].buttons.append(" ".join("".join(self._button).split()))
            self._button = None
        elif tag == "a":
            self._href = None

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._button is not None:
            self._button.append(data)
        if self._href is not None and data.strip():
            self.links[data.strip()] = self._href


class Browser:
    """One browser with its own cookies."""

    def __init__(self, app: Flask, agent: str = FIREFOX) -> None:
        self.app = app
        self.client = app.test_client()
        # What browsers send with a navigation; those of before 2023 say nothing of its mode.
        self.own = {"User-Agent": agent, "Accept": "text/html,*/*;q=0.8"}
        self.path = ""
        self.answer: TestResponse

    def open(self, path: str, **headers: str) -> "Browser":
        """Go to an address, and on to where it leads."""
        self._arrive(self.client.get(path, base_url=ORIGIN, headers={**self.own, **headers}))
        return self

    def submit(self, button: str, **typed: str) -> "Browser":
        """Press a button of the page, with its form filled in."""
        (form,) = [form for form in self._page.forms if button in form.buttons]
        assert form.method == "post"
        return self.send(form.action, {**form.fields, **typed})

    def send(self, path: str, fields: dict[str, str], **headers: str) -> "Browser":
        """Send a form, as if it had been on the page."""
        own = {**self.own, "Origin": ORIGIN, "Referer": ORIGIN + self.path, **headers}
        self._arrive(self.client.post(path, data=fields, base_url=ORIGIN, headers=own))
        return self

    def follow(self, link: str) -> "Browser":
        """Click a link by its text."""
        return self.open(self._page.links[link])

    def cookie(self, name: str) -> str | None:
        """Return a cookie's value."""
        found = self.client.get_cookie(name, domain="keyturn.example")
        return None if found is None else found.value

    def forget(self, name: str) -> None:
        """Lose a cookie, as when it has expired."""
        self.client.delete_cookie(name, domain="keyturn.example")

    @property
    def text(self) -> str:
        """What the page says, without its markup."""
        return " ".join(" ".join(self._page.words).split())

    @property
    def buttons(self) -> list[str]:
        """What can be pressed."""
        return [button for form in self._page.forms for button in form.buttons]

    @property
    def _page(self) -> _Page:
        return _Page(self.answer.text)

    def _arrive(self, answer: TestResponse) -> None:
        self.first = answer
        while answer.status_code == 303:
            answer = self.client.get(answer.location, base_url=ORIGIN, headers=self.own)
        self.answer, self.path = answer, answer.request.full_path.rstrip("?")
