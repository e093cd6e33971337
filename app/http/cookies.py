"""Token cookies: how they are read without being fooled, set, and cleared."""

from datetime import datetime, timedelta

from flask import Request, Response

from app.engine.errors import InvalidRequest
from app.engine.grant import Grant
from app.http.contract import CookieNames
from config import CookieSettings

_TRUST_HEADER = "X-Device-Trust"


class CookieJar:
    """One contract's cookies under the deployment's settings."""

    def __init__(
        self, names: CookieNames, settings: CookieSettings, *, keeps_expired_access: bool = False
    ) -> None:
        self._settings = settings
        self._keeps_expired_access = keeps_expired_access
        self.names = CookieNames(
            access=settings.prefix + names.access,
            refresh=settings.prefix + names.refresh,
            remember=settings.prefix + names.remember,
            csrf=settings.prefix + names.csrf,
            trust=names.trust and settings.prefix + names.trust,
        )

    def access_token(self, request: Request) -> str | None:
        """Return the access token that came along."""
        return _only(request, self.names.access)

    def refresh_token(self, request: Request) -> str | None:
        """Return the refresh token that came along."""
        return _only(request, self.names.refresh)

    def csrf_token(self, request: Request) -> str | None:
        """Return the double-submit value that came along; of two, neither is known to be ours."""
        return None if _is_doubled(request, self.names.csrf) else _value(request, self.names.csrf)

    def trust_token(self, request: Request, *, by_cookie: bool) -> str | None:
        """Return the token of a trusted device that came along."""
        name = self.names.trust
        if name is not None and by_cookie and (found := _only(request, name)):
            return found
        # In WSGI the name of a header is the same with underscores and with hyphens.
        return (request.headers.get(name) if name else None) or request.headers.get(_TRUST_HEADER)

    def is_remembered(self, request: Request) -> bool:
        """Tell whether the person asked at login to stay signed in when the browser closes.

        It is asked when tokens have been made, which no cookie may cost the person any more: where the marker
        came twice, the shorter stay is taken.
        """
        name = self.names.remember
        return not _is_doubled(request, name) and _value(request, name) != "0"

    def set_tokens(
        self, response: Response, grant: Grant, access_token: str, *, remembered: bool, csrf_token: str | None
    ) -> None:
        """Put both tokens into httpOnly cookies that end when the tokens do, or with the browser.

        Where an expired access token is still needed at refresh, its cookie ends with the session.
        """
        session_end = grant.session.expires_at
        access_end = session_end if self._keeps_expired_access else grant.access_expires_at
        access_age = _age(grant.issued_at, access_end) if remembered else None
        refresh_age = _age(grant.issued_at, session_end) if remembered else None
        self._set(response, self.names.access, access_token, access_age)
        self._set(response, self.names.refresh, grant.refresh_token, refresh_age)
        if csrf_token is not None:
            self.set_csrf_token(response, csrf_token, refresh_age)
        if remembered:
            self._clear(response, self.names.remember)
        else:
            self._set(response, self.names.remember, "0", None)

    def set_trust_token(self, response: Response, trust_token: str, age: timedelta) -> None:
        """Set the cookie that lets the device skip the second factor; a logout leaves it."""
        if self.names.trust is not None:
            self._set(response, self.names.trust, trust_token, age)

    def set_csrf_token(self, response: Response, csrf_token: str, age: timedelta | None = None) -> None:
        """Set the one cookie that scripts may read: its value comes back in a header."""
        self._set(response, self.names.csrf, csrf_token, age, httponly=False)

    def clear_tokens(self, response: Response, *, csrf_token: str | None = None) -> None:
        """Delete every cookie of the login, with the attributes it was set with (RFC 6265bis section 5.7).

        `csrf_token` is what a form in this very answer brings back, and takes the place of the login's.
        """
        for name in (self.names.access, self.names.refresh, self.names.remember):
            self._clear(response, name)
        if csrf_token:
            self.set_csrf_token(response, csrf_token)
        elif self._settings.csrf_double_submit:
            self._clear(response, self.names.csrf, httponly=False)

    def _set(
        self, response: Response, name: str, value: str, age: timedelta | None, *, httponly: bool = True
    ) -> None:
        response.set_cookie(
            name,
            value,
            max_age=age,
            path="/",
            domain=self._settings.domain,
            secure=self._settings.secure,
            httponly=httponly,
            samesite=self._settings.same_site,
        )

    def _clear(self, response: Response, name: str, *, httponly: bool = True) -> None:
        response.delete_cookie(
            name,
            path="/",
            domain=self._settings.domain,
            secure=self._settings.secure,
            httponly=httponly,
            samesite=self._settings.same_site,
        )


def _only(request: Request, name: str) -> str | None:
    """Return a cookie's value.

    A name that comes twice was tossed in by a neighbouring host or path, and nobody can tell which is ours.

    Raises:
        InvalidRequest: the name comes twice. Nothing is cleared.
    """
    if _is_doubled(request, name):
        raise InvalidRequest(f"the cookie {name} came more than once")
    return _value(request, name)


def _is_doubled(request: Request, name: str) -> bool:
    pairs = (pair.partition("=") for pair in request.headers.get("Cookie", "").split(";"))
    return sum(pair_name.strip() == name for pair_name, _, _ in pairs) > 1


def _value(request: Request, name: str) -> str | None:
    return request.cookies.get(name) or None


def _age(now: datetime, end: datetime) -> timedelta:
    return max(end - now, timedelta(0))
