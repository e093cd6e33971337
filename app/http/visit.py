"""A browser that asks for a page: known by its cookies, and refreshed within the request if need be."""

from contextlib import suppress
from typing import TypeVar
from uuid import UUID

from flask import Response, after_this_request, g
from flask.globals import request_ctx

from app.engine.client import Transport
from app.engine.errors import (
    AccessTokenMissing,
    AccountUnavailable,
    CsrfTokenInvalid,
    InvalidAccessToken,
    InvalidRefreshToken,
    RefreshTokenExpired,
    RefreshTokenReused,
    SessionRevoked,
)
from app.engine.grant import Grant
from app.engine.snapshot import Snapshot
from app.http.call import Call, takes_cookies
from app.http.current import current_visit
from app.http.runtime import Runtime, runtime
from config import PagesSettings

CSRF_FIELD = "csrf_token"
# The session is over for good. What cannot be read says nothing of one.
_OVER = (RefreshTokenExpired, SessionRevoked, RefreshTokenReused, AccountUnavailable)

Kind = TypeVar("Kind", bound="Visit")


class Visit(Call):
    """One request of a browser, whose tokens travel in cookies whatever the contract's setting."""

    def __init__(self, here: Runtime, pages: PagesSettings) -> None:
        super().__init__(request_ctx.request, here, here.mounts[pages.contract], Transport.COOKIE)
        self.pages = pages
        self._remembered: bool | None = None
        self._trust_token: str | None = None
        self._clears = False
        self._signs_out = False
        self._csrf_value: str | None = None
        self._found: Snapshot | None = None
        self.is_resumed = False

    def resume(self) -> Snapshot | None:
        """Return the session of the cookies, whatever is still due in it; None where there is none.

        An access token that is missing or expired is replaced by way of the refresh token: once per request,
        and parallel requests converge on one successor. The fresh cookies go out with the answer.

        Raises:
            CrossSiteRequest: an unsafe request from another origin.
            CsrfTokenInvalid: one with token cookies and without the value of double submit.
            InvalidRequest: one of the cookies came twice.
            RateLimited, Unavailable: nothing is known of the session; the cookies stay.
        """
        if not self.is_resumed:
            self.check_origin()
            self._found = self._resumed()
            self.is_resumed = True
        return self._found

    def _resumed(self) -> Snapshot | None:
        try:
            return self._authenticated() or self._refreshed()
        except (InvalidRefreshToken, AccountUnavailable) as error:
            self._clears = takes_cookies(error, _OVER)
            return None

    def address(self, path: str) -> str:
        """Return where a path of the application is on this host, which may have it below another path."""
        return f"{self._request.script_root}{path}"

    @property
    def longest_body(self) -> int:
        """How many bytes a form may have."""
        return self._runtime.settings.web.max_body_bytes

    def _authenticated(self) -> Snapshot | None:
        with suppress(AccessTokenMissing, InvalidAccessToken):
            self.authenticate(pending=True, overdue=True)
            return self.judged_snapshot
        return None

    def _refreshed(self) -> Snapshot | None:
        token = self.cookie_refresh_token()
        if token is None:
            return None
        self.check_limit("refresh")
        if self.double_submit_enabled:
            self._check_double_submit(self.session_of(token))
        self.fresh = self.engine.sessions.refresh(token, self.policy, self.client)
        return self.fresh.snapshot

    def adopt(self, grant: Grant, *, remembered: bool | None = None, trust_token: str | None = None) -> None:
        """Sign the browser in with a grant, in the place of whatever it had."""
        self.fresh, self._remembered, self._trust_token = grant, remembered, trust_token
        self._found, self.is_resumed = grant.snapshot, True
        self._clears = self._signs_out = False
        self._csrf_value = None

    def sign_out(self) -> None:
        """Clear the cookies with the answer, and what the browser keeps; their session has been ended."""
        self.fresh = self._found = self._csrf_value = None
        self._clears = self._signs_out = True

    def csrf_value(self) -> str:
        """Return what a form has to bring back where double submit is switched on, and otherwise nothing.

        The value that the browser has is kept while it is good, so that several open forms stay usable.
        """
        if not self.double_submit_enabled:
            return ""
        if self._csrf_value is None:
            self._csrf_value = self._good_csrf_value(self._found.session.id if self._found else None)
        return self._csrf_value

    def _good_csrf_value(self, session_id: UUID | None) -> str:
        came = self.mount.cookies.csrf_token(self._request)
        try:
            self._runtime.double_submit.check(came, came, session_id)
        except CsrfTokenInvalid:
            return self._runtime.double_submit.issue(session_id)
        return came or ""

    def _submitted(self) -> str | None:
        if self._request.mimetype == "application/x-www-form-urlencoded":
            # Kept, so that whoever reads the form more strictly later still finds it.
            self._request.get_data(cache=True)
        return super()._submitted() or self._request.form.get(CSRF_FIELD)

    def finish(self, response: Response) -> Response:
        """Give the answer the cookies that this request has earned.

        An answer that sets or clears the cookies by itself, as a logout does, keeps the last word.
        """
        response.vary.add("Cookie")
        if self._signs_out:
            # The pages of this session, which the browser keeps for its back button, go too.
            response.headers["Clear-Site-Data"] = '"cache"'
        if self._sets_cookies(response):
            response.headers["Cache-Control"] = "no-store"
        return response

    def _sets_cookies(self, response: Response) -> bool:
        cookies = self.mount.cookies
        given = response.headers.getlist("Set-Cookie")
        if any(value.startswith(f"{cookies.names.refresh}=") for value in given):
            return False
        if self._clears:
            cookies.clear_tokens(response, csrf_token=self._csrf_value)
        elif self.fresh is not None:
            csrf_value = self.csrf_value() or None
            self.set_cookies(response, self.fresh, self._remembered, self._trust_token, csrf_value)
        elif self._csrf_value and self._csrf_value != cookies.csrf_token(self._request):
            cookies.set_csrf_token(response, self._csrf_value)
        else:
            return False
        return True


def begin_visit(kind: type[Kind]) -> Kind:
    """Return the visit of the running request, begun now if it has none yet.

    There is one: a page takes over what came of it when a hook of the host has asked who is there, so that
    a token is presented once and the answer says once what becomes of the cookies.

    Raises:
        LookupError: no contract is served whose sessions browsers could use.
    """
    earlier = current_visit()
    if isinstance(earlier, kind):
        return earlier
    here = runtime()
    if here.settings.pages is None:
        raise LookupError("no contract is served whose sessions browsers could use, such as nest_auth")
    g.keyturn_visit = visit = kind(here, here.settings.pages)
    if earlier is None:
        after_this_request(_finish)
    else:
        vars(visit).update(vars(earlier))
    return visit


def _finish(response: Response) -> Response:
    visit: Visit = g.keyturn_visit
    return visit.finish(response)
