"""Letting only people who are signed in see a view: our own pages, and those of a host application."""

from collections.abc import Callable
from enum import Enum
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
)

from app.engine.errors import AuthError, InvalidRequest, RateLimited, Unavailable
from app.engine.snapshot import Snapshot
from app.http import csrf
from app.http.bearer import Bearer, current_bearer
from app.http.local_paths import local_path
from app.http.runtime import runtime
from app.http.visit import Visit, begin_visit


class Due(Enum):
    """What a person who asks for a page has to do first; the value is where, below the pages' prefix."""

    SIGN_IN = "/sign-in"
    SECOND_FACTOR = "/second-factor"
    PASSWORD = "/password"


def visitor() -> Snapshot | None:
    """Return who is signed in, or None where nobody is, or not wholly.

    An access token in the header says so, where `KEYTURN_ACCESS_TOKEN_TYPE` allows one, and otherwise the
    cookies do.

    Raises:
        HTTPException: 400, 403, 429 or 503, where that cannot be told; the cookies stay as they are.
    """
    bearer = current_bearer()
    try:
        found = begin_visit(Visit).resume() if bearer is None else bearer.found
    except AuthError as error:
        raise _http_error(error) from error
    return found if found is not None and what_is_due(found) is None else None


def csrf_token() -> str:
    """Return what a form of a host application has to bring back in its field `csrf_token`.

    It is empty where double submit is switched off, or no contract is served whose sessions browsers could
    use, and then the field may be there or not.

    Raises:
        HTTPException: as `visitor`.
    """
    if runtime().settings.pages is None:
        return ""
    visitor()
    return begin_visit(Visit).csrf_value()


def signed_in(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let only people who are wholly signed in see a view; `visitor()` says who it is.

    Others are led to the page where they can do what is due, and from there back to this one. A request that
    is no navigation, such as one of `fetch`, of a program or with a token in its header, and every request
    where there are no pages, is answered 401.
    """

    @wraps(view)
    def serve(*arguments: Any, **path: Any) -> Any:
        if visitor() is not None:
            return view(*arguments, **path)
        bearer = current_bearer()
        if bearer is not None:
            raise _challenge(what_is_due(bearer.found) or Due.SIGN_IN, bearer)
        visit = begin_visit(Visit)
        return lead_to(visit, what_is_due(visit.resume()) or Due.SIGN_IN)

    return serve


def what_is_due(found: Snapshot | None) -> Due | None:
    """Return what has to be done before a person is wholly signed in."""
    if found is None:
        return Due.SIGN_IN
    if found.session.mfa_pending:
        return Due.SECOND_FACTOR
    return Due.PASSWORD if found.person.must_change_password else None


def lead_to(visit: Visit, due: Due, *, back_to: str | None = None) -> Response:
    """Redirect to where something is done, which leads back to a page afterwards: this one, unless told.

    What was sent with an unsafe request is not repeated for anybody.

    Raises:
        Unauthorized: the request is no navigation, or there are no pages.
    """
    if visit.pages.prefix is None or not _is_navigation():
        raise _challenge(due)
    if back_to is None and request.method in csrf.SAFE_METHODS:
        back_to = local_path(visit.address(request.full_path.rstrip("?")))
    query = f"?{urlencode({'next': back_to})}" if back_to else ""
    return see_other(visit.address(f"{visit.pages.prefix}{due.value}{query}"))


def _is_navigation() -> bool:
    """Tell whether a person will look at the answer; browsers that say no mode ask for HTML all the same."""
    mode = request.headers.get("Sec-Fetch-Mode")
    if mode is None:
        return "text/html" in request.headers.get("Accept", "")
    return mode == "navigate"


def see_other(location: str) -> Response:
    """Redirect; what follows is a GET, whatever this was (RFC 9110 section 15.4.4)."""
    return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": location})


def _challenge(due: Due, bearer: Bearer | None = None) -> Unauthorized:
    """Say how to authenticate, and what is wrong with the token in the header if there is one.

    Source: RFC 9110 section 15.5.2, RFC 6750 section 3.1; RFC 9470 section 3 if the sign-in is not finished.
    """
    error = "invalid_token" if due is Due.SIGN_IN else "insufficient_user_authentication"
    said: dict[str, str | None] = {"error": error} if bearer is not None and bearer.brings_token else {}
    first = f"Sign in first: {due.name.lower()} is due."
    return Unauthorized(first, www_authenticate=WWWAuthenticate("bearer", said))


def _http_error(error: AuthError) -> HTTPException:
    """Return what a host application's own error pages are made for."""
    if isinstance(error, InvalidRequest):
        return BadRequest(error.detail)
    if isinstance(error, RateLimited):
        return TooManyRequests(error.message, retry_after=int(error.retry_after.total_seconds()))
    if isinstance(error, Unavailable):
        return ServiceUnavailable(error.message, retry_after=1)
    return Forbidden(error.message)
