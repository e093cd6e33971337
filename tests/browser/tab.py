"""A tab of an application that uses keyturn.js, under the strictest policy that lets it work."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.driver import BrowserContext, Page, Request, Route
from tests.browser.service import Site
from tests.reliability.checker import FinalRow
from tests.reliability.databases import final_rows

PASSWORD = "correct horse battery staple"
ACCESS_SECONDS = 2
# Where a test counts refreshes and waits for no token to expire, none may expire on a slow machine either.
lasting = pytest.mark.parametrize("access_seconds", [3600])
_PATIENCE_MS = 45_000
_POLICY = "default-src 'none'; script-src 'self'; connect-src http://127.0.0.1:*"
_HTML = "<!doctype html><html lang='en'><title>An application</title><p>Here it is.</p>"


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    email: str

    @property
    def credentials(self) -> str:
        return json.dumps({"email": self.email, "password": PASSWORD})


@dataclass(frozen=True)
class Tab:
    """One tab with `keyturn` and the `KeyturnError` class at hand, and in `heard` the events so far."""

    page: Page
    site: Site
    options: dict[str, object]

    def open(self) -> "Tab":
        """Load the application, or load it again."""
        self.page.goto(f"{self.site.url}/application")
        self.run(
            f"""import("/keyturn.js").then(({{ createKeyturn, KeyturnError }}) => {{
              globalThis.heard = [];
              globalThis.keyturn = createKeyturn({json.dumps(self.options)});
              for (const event of ["signedin", "mfarequired", "refreshed", "signedout"])
                keyturn.on(event, (detail) => heard.push([event, detail.reason ?? null]));
            }})"""
        )
        return self

    def run(self, code: str, patience_ms: int = _PATIENCE_MS) -> Any:
        """Return the value of an expression that may await; every one of them ends."""
        late = f"new Promise((_, reject) => setTimeout(() => reject(new Error('late')), {patience_ms}))"
        return self.page.evaluate(f"() => Promise.race([(async () => ({code}))(), {late}])")

    def failure(self, code: str) -> dict[str, Any]:
        """Return the fields of the KeyturnError with which an expression fails."""
        found: dict[str, Any] = self.run(
            f"""(async () => ({code}))().then(
              () => ({{}}), (error) => ({{ ...error, message: error.message }}))"""
        )
        assert found.get("name") == "KeyturnError", found
        return found

    def fetch(self, path: str = "/auth/me", init: str = "{}") -> int:
        """Return the status of a call through keyturn.js."""
        status: int = self.run(f"keyturn.fetch('{path}', {init}).then((answer) => answer.status)")
        return status

    def sign_up(self) -> Person:
        person = Person(f"{uuid.uuid4().hex}@example.test")
        self.run(f"keyturn.signup({person.credentials})")
        return person

    def signed_in(self) -> bool | None:
        found: bool | None = self.run("keyturn.signedIn")
        return found

    def heard(self, *events: str) -> list[list[str | None]]:
        """Return the events of these names, with the reason of each."""
        found: list[list[str | None]] = self.run("heard")
        return [pair for pair in found if pair[0] in events]

    def await_event(self, event: str) -> None:
        self.page.wait_for_function("(event) => heard.some(([name]) => name === event)", arg=event)

    def session_id(self) -> str:
        found: str = self.run("keyturn.sessions().then((all) => all.find(({ current }) => current).id)")
        return found

    def row(self, session_id: str) -> FinalRow:
        """Look past the service at a session."""
        return final_rows(self.site.server.database_url)[session_id]

    def wait_until_expired(self) -> None:
        self.page.wait_for_timeout(1000 * ACCESS_SECONDS + 100)


@dataclass
class Application:
    """The tabs of one browser, and the requests that they made to the service."""

    context: BrowserContext
    site: Site
    mode: str
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.route(f"{self.site.url}/application", _show)
        # A page that we show in the service's place comes from no address, and has to be allowed to ask us.
        self.context.grant_permissions(["local-network-access"])
        self.context.on("request", self._note)

    def _note(self, request: Request) -> None:
        self.requests.append(request)

    def tab(self, **options: object) -> Tab:
        """Open the application in another tab; `options` are those of `createKeyturn`."""
        return Tab(self.context.new_page(), self.site, {"accessTokenType": self.mode, **options}).open()

    def count(self, path: str) -> int:
        """Return how many requests were made to a path."""
        return sum(urlsplit(request.url).path == path for request in self.requests)

    @property
    def refreshes(self) -> int:
        return self.count("/auth/refresh-token")


def _show(route: Route) -> None:
    headers = {"Content-Security-Policy": _POLICY, "Content-Type": "text/html"}
    route.fulfill(body=_HTML, headers=headers)
