"""A visit to one of our pages: what was typed, what was wrong with it, and how the page is shown."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import Response, render_template, request, url_for

from app.engine.errors import (
    AuthError,
    CurrentPasswordIncorrect,
    EmailTaken,
    InvalidCode,
    InvalidRequest,
    PasswordRefused,
    PasswordUnchanged,
)
from app.engine.snapshot import Snapshot
from app.http.errors import answer_of, answers_for, retry_after
from app.http.local_paths import local_path
from app.http.runtime import Runtime
from app.http.signed_in import lead_to, see_other, what_is_due
from app.http.visit import CSRF_FIELD, Visit
from app.pages import texts
from app.pages.presenting import ago, day, device_of
from config import PagesSettings

NEXT_FIELD = "next"
# Our own style, pictures made on the spot, and not one script. Where a form is sent is part of the policy.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    # With `no-referrer` browsers send forms with the origin `null`, which cannot be told from a stranger's.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Origin",
}
_ANSWERS = answers_for({})
# The field that a refusal is about is the first of these that the form has. Which of address and password was
# wrong at a sign-in, nobody is told.
_ABOUT: dict[type[AuthError], tuple[str, ...]] = {
    CurrentPasswordIncorrect: ("current_password", "password", "secret"),
    PasswordRefused: ("new_password", "password"),
    PasswordUnchanged: ("new_password",),
    EmailTaken: ("email",),
    InvalidCode: ("code", "secret"),
}


class PageVisit(Visit):
    """One request for a page of ours."""

    def __init__(self, here: Runtime, pages: PagesSettings) -> None:
        super().__init__(here, pages)
        self.typed: dict[str, Any] | None = None
        self.fields: frozenset[str] = frozenset()
        self.refusal: AuthError | None = None
        self.way_back: str = self.home

    @property
    def signed_in(self) -> Snapshot:
        """The session, on pages that are not for strangers."""
        found = self.resume()
        if found is None:
            raise LookupError("this page lets strangers in")
        return found

    def check_stranger(self) -> None:
        """Ask a form for the value of double submit where no token came: it may sign somebody in.

        Raises:
            CsrfTokenInvalid.
        """
        if self.resume() is None and self.cookie_refresh_token() is None:
            self._check_double_submit(None)

    @property
    def now(self) -> datetime:
        """The moment of the visit."""
        return self.engine.clock.now()

    @property
    def home(self) -> str:
        """Where somebody goes who was on the way to no page in particular."""
        return self.pages.home or url_for("pages.account.overview")

    @property
    def next(self) -> str | None:
        """Where the person was on the way to, if that is on this host."""
        return local_path((self.typed or {}).get(NEXT_FIELD) or request.args.get(NEXT_FIELD))

    def keep(self, **fields: str) -> None:
        """Have a refused form shown again as if this had been typed too."""
        self.typed = {**(self.typed or {}), **fields}

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong with single fields of the form that was sent, as sentences."""
        refusal = self.refusal
        if isinstance(refusal, InvalidRequest):
            found = {name: texts.problem(text) for name, text in refusal.problems.items()}
            return {name: text for name, text in found.items() if name in self.fields}
        about = next((names for kind, names in _ABOUT.items() if isinstance(refusal, kind)), ())
        name = next((name for name in about if name in self.fields), None)
        return {} if refusal is None or name is None else {name: texts.refusal(refusal)}

    def go_on(self) -> Response:
        """Lead to what is due next, or else to where the person was on the way to."""
        due = what_is_due(self.resume())
        if due is None:
            return see_other(self.next or self.home)
        return lead_to(self, due, back_to=self.next)

    def go_to(self, endpoint: str, **query: str | None) -> Response:
        """Redirect to another page; `done`, a key of `texts.DONE`, lets it say what was done."""
        given: dict[str, Any] = {name: value for name, value in query.items() if value is not None}
        return see_other(url_for(f"pages.{endpoint}", **given))

    def show(self, template: str, status: int = HTTPStatus.OK, **context: Any) -> Response:
        """Show a page, with what was refused if something was."""
        html = render_template(
            f"keyturn/{template}",
            visit=self,
            found=self.resume() if self.is_resumed else None,
            service=self.engine.service_name,
            done=texts.DONE.get(request.args.get("done", "")),
            refused=self._refused_text(),
            csrf_field=CSRF_FIELD,
            csrf_value=self.csrf_value,
            day=day,
            device_of=device_of,
            ago=lambda moment: ago(moment, self.now),
            **context,
        )
        response = Response(html, status)
        response.headers.update(_HEADERS)
        return response

    def show_refused(self, response: Response) -> Response:
        """Give an answer the status of the refusal that it shows; one that leads elsewhere shows none."""
        if self.refusal is not None and response.status_code == HTTPStatus.OK:
            status = answer_of(self.refusal, _ANSWERS).status
            # A 401 would have to say how to authenticate over HTTP (RFC 9110 section 15.5.2); this is a form.
            unacceptable = status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}
            response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY if unacceptable else status
            wait = retry_after(self.refusal)
            if wait is not None:
                response.headers["Retry-After"] = wait
        return response

    def _refused_text(self) -> str | None:
        """Return what a person is told of the refusal; complaints about fields stand beside them."""
        if self.refusal is None:
            return None
        return texts.CHECK_FIELDS if self.problems else texts.refusal(self.refusal)
