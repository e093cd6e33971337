"""One request to one contract: who calls, by which transport, with which tokens; and how it is answered."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Request, Response

from app.engine.client import Client, Transport
from app.engine.engine import Engine
from app.engine.errors import (
    AccessTokenMissing,
    AccountUnavailable,
    AuthError,
    InvalidAccessToken,
    InvalidRefreshToken,
    NotFound,
    PasswordChangeRequired,
    RefreshTokenMissing,
    SecondFactorRequired,
)
from app.engine.grant import Grant, SessionPolicy
from app.engine.snapshot import Snapshot
from app.http import csrf
from app.http.access_tokens import AccessClaims, says_what_is_due
from app.http.basic_auth import basic_credentials
from app.http.client_info import counted_address, read_client
from app.http.json_answer import json_answer
from app.http.runtime import Mount, Runtime
from config import AccessTokenCheck

# These say that the session is over; whatever else is refused, the cookies stay.
DEFINITIVE = (InvalidRefreshToken, AccountUnavailable)


def takes_cookies(error: AuthError, definitive: tuple[type[AuthError], ...] = DEFINITIVE) -> bool:
    """Tell whether a refusal of the refresh token in the cookies clears them.

    Where the browser has signed in anew, or has more rights since, a late answer to the token before must not
    take the new cookies; the old ones are gone already, or are replaced by the next login.
    """
    is_outdated = isinstance(error, InvalidRefreshToken) and error.is_outdated
    return isinstance(error, definitive) and not is_outdated


class Call:
    """The request as a view sees it."""

    def __init__(
        self, request: Request, runtime: Runtime, mount: Mount, transport: Transport | None = None
    ) -> None:
        self._request = request
        self._runtime = runtime
        self._snapshot: Snapshot | None = None
        self._refreshed_from_cookie = False
        # What the refresh token of the cookies was exchanged for, if this request has done so already.
        self.fresh: Grant | None = None
        self.mount = mount
        self.transport = transport or mount.transport(request)
        self.client: Client = read_client(request, self.transport)
        self.access: AccessClaims | None = None

    @property
    def engine(self) -> Engine:
        """The rules."""
        return self._runtime.engine

    @property
    def policy(self) -> SessionPolicy:
        """How this contract's sessions live."""
        return self.mount.policy

    @property
    def uses_cookies(self) -> bool:
        """Tell whether tokens travel in cookies."""
        return self.transport is Transport.COOKIE

    @property
    def double_submit_enabled(self) -> bool:
        """Tell whether a signed value must come back in a header on top of the origin check."""
        return self.uses_cookies and self._runtime.settings.cookies.csrf_double_submit

    @property
    def snapshot(self) -> Snapshot:
        """The session of the access token; read now if the guard did not need to.

        Raises:
            InvalidAccessToken: the session is not there any more.
        """
        if self._snapshot is None:
            try:
                self._snapshot = self.engine.sessions.look_up(self._access_claims().session_id)
            except NotFound as error:
                raise InvalidAccessToken("its session is gone") from error
        return self._snapshot

    @property
    def judged_snapshot(self) -> Snapshot:
        """The session of the access token as it stands now, also where the guard trusts the signature alone.

        Raises:
            as `Sessions.authenticate`.
        """
        if self._snapshot is None:
            access = self._access_claims()
            self._snapshot = self.engine.sessions.authenticate(
                access.session_id, access.generation, self.policy, self.client
            )
        return self._snapshot

    @property
    def claims(self) -> Mapping[str, Any]:
        """What the access token says."""
        return self._access_claims().claims

    def basic_credentials(self) -> tuple[str, str] | None:
        """Return id and secret with which an application says who it is; see `basic_credentials`."""
        return basic_credentials(self._request)

    def act_for(self, client_id: str) -> None:
        """Note which registered application the caller is; the sessions it opens and may use are its own."""
        self.client = replace(self.client, client_id=client_id)

    def check_origin(self) -> None:
        """Refuse a cookie-bearing request from another site.

        Raises:
            CrossSiteRequest: see `OriginCheck`.
        """
        if self.uses_cookies:
            self._runtime.origins.check(self._request)

    def check_limit(self, name: str) -> None:
        """Count the request under a named limit.

        Raises:
            RateLimited: there were too many from this address.
        """
        self._runtime.limits.check(name, counted_address(self._request))

    def authenticate(self, *, pending: bool = False, overdue: bool = False) -> None:
        """Demand a good access token.

        With `pending` it may be one whose second factor is still due, with `overdue` another password may be.

        Raises:
            AccessTokenMissing, InvalidAccessToken, AccountUnavailable, SecondFactorRequired,
            PasswordChangeRequired, CsrfTokenInvalid.
        """
        token = self.access_token()
        if token is None:
            raise AccessTokenMissing
        self.access, self._snapshot = self.read_access_token(token), None
        self._check_double_submit(self.access.session_id)
        check = self.mount.settings.tokens.access_token_check
        if check is AccessTokenCheck.SESSION or says_what_is_due(self.access.claims):
            found = self.judged_snapshot
            if found.session.mfa_pending and not pending:
                raise SecondFactorRequired
            if found.person.must_change_password and not overdue:
                raise PasswordChangeRequired

    def access_token(self) -> str | None:
        """Return the access token, from where this transport carries it.

        Another scheme than Bearer brings no token, and is challenged like none (RFC 6750 section 3.1).
        """
        if self.uses_cookies:
            return self.mount.cookies.access_token(self._request)
        return self._access_token_of_header()

    def _access_token_of_header(self) -> str | None:
        scheme, space, token = self._request.headers.get("Authorization", "").strip().partition(" ")
        if not space and self.mount.contract.bare_access_tokens:
            return scheme or None
        if not self.mount.contract.exact_bearer:
            scheme = scheme.capitalize()
        return token.strip() or None if scheme == "Bearer" else None

    def accompanying_access(self) -> tuple[UUID, int]:
        """Return session and generation of the access token that must come along at refresh, expired or not.

        Where its cookie is missing, the header will do: a client that moves to cookies has its tokens there.

        Raises:
            AccessTokenMissing, InvalidAccessToken.
        """
        token = self.access_token() or self._access_token_of_header()
        if token is None:
            raise AccessTokenMissing
        access = self.read_access_token(token, expired_too=True)
        return access.session_id, access.generation

    def read_access_token(self, token: str, *, expired_too: bool = False) -> AccessClaims:
        """Verify an access token of this contract; see `AccessTokens.read`."""
        return self._runtime.access_tokens.read(token, self.mount.audience, expired_too=expired_too)

    def refresh_token(self, from_body: str | None) -> str:
        """Return the refresh token to exchange; the body wins over the cookie.

        Raises:
            RefreshTokenMissing: it came neither way.
        """
        if from_body:
            return from_body
        token = self.cookie_refresh_token()
        if token is None:
            raise RefreshTokenMissing
        self._refreshed_from_cookie = True
        return token

    def refresh(self, from_body: str | None) -> Grant:
        """Exchange the refresh token that came along for its successor.

        A token is presented once: where a view or hook of a host has asked who is there, the session of the
        cookies was refreshed in this very request, and the answer is what came of that.

        Raises:
            RefreshTokenMissing: it came neither way.
            what `Sessions.refresh` raises.
        """
        token = self.refresh_token(from_body)
        if self._refreshed_from_cookie and self.fresh is not None:
            return self.fresh
        return self.engine.sessions.refresh(token, self.policy, self.client)

    def cookie_refresh_token(self) -> str | None:
        """Return the refresh token whose cookie came along; in header mode no cookie is read."""
        return self.mount.cookies.refresh_token(self._request) if self.uses_cookies else None

    def trust_token(self, from_body: str | None = None) -> str | None:
        """Return the token of a trusted device: from the body, its header, or in cookie mode its cookie."""
        return from_body or self.mount.cookies.trust_token(self._request, by_cookie=self.uses_cookies)

    def named_sessions(self, from_body: str | None = None) -> list[UUID]:
        """Return the sessions that the genuine tokens that came along name, expired or not.

        These are what a logout ends: one that needed a fresh access token would leave the session of
        everybody who comes late alive.
        """
        came = (from_body, self.cookie_refresh_token(), self.access_token())
        named = [self.session_of(token) for token in came if token is not None]
        return list(dict.fromkeys(session_id for session_id in named if session_id is not None))

    def session_of(self, token: str) -> UUID | None:
        """Return the session that a genuine token of either kind names, expired or not."""
        with suppress(InvalidRefreshToken):
            return self.engine.sessions.identify(token, self.policy).session.id
        with suppress(InvalidAccessToken):
            return self.read_access_token(token, expired_too=True).session_id
        return None

    def end_named_sessions(self, from_body: str | None = None) -> None:
        """End the session of every genuine token that came along; without one there is nothing to end."""
        for session_id in self.named_sessions(from_body):
            self.end_session(session_id)

    def end_session(self, session_id: UUID | None) -> None:
        """End a session that a token has named, if one has, and if it is still there."""
        if session_id is not None:
            with suppress(NotFound):
                self.engine.sessions.end(session_id, self.client)

    def grant_answer(
        self,
        grant: Grant,
        body: Mapping[str, Any],
        tokens: Mapping[str, str],
        *,
        remembered: bool | None = None,
        trust_token: str | None = None,
        status: int = 200,
    ) -> Response:
        """Answer with fresh tokens: in the body, or in cookies and the body without them.

        `tokens` maps the contract's field names to `access`, `refresh` and `trust`; the last is left out
        where no device was trusted. `remembered` None keeps what the person chose at login.
        """
        if not self.uses_cookies:
            values = {"access": self._issue(grant), "refresh": grant.refresh_token, "trust": trust_token}
            given = {name: values[kind] for name, kind in tokens.items() if values[kind] is not None}
            return json_answer({**given, **body}, status)
        response = json_answer(body, status)
        submit = self._runtime.double_submit
        csrf_token = submit.issue(grant.session.id) if self.double_submit_enabled else None
        self.set_cookies(response, grant, remembered, trust_token, csrf_token)
        return response

    def set_cookies(
        self,
        response: Response,
        grant: Grant,
        remembered: bool | None,  # noqa: FBT001 - handed through from `grant_answer`
        trust_token: str | None,
        csrf_token: str | None,
    ) -> None:
        """Put fresh tokens into the cookies of an answer."""
        cookies = self.mount.cookies
        kept = cookies.is_remembered(self._request) if remembered is None else remembered
        cookies.set_tokens(response, grant, self._issue(grant), remembered=kept, csrf_token=csrf_token)
        if trust_token is not None:
            cookies.set_trust_token(response, trust_token, self.engine.trusted_devices.lifetime)

    def answer(self, body: Mapping[str, Any] | list[Any], status: int = 200) -> Response:
        """Answer without tokens."""
        return json_answer(body, status)

    def signed_out_answer(self, body: Mapping[str, Any]) -> Response:
        """Answer a logout; in cookie mode the cookies go."""
        response = json_answer(body)
        if self.uses_cookies:
            self.mount.cookies.clear_tokens(response)
        return response

    def csrf_answer(self, header_field: str, body: Mapping[str, Any]) -> Response:
        """Answer with a fresh double-submit value in its cookie and in the named field."""
        value = self._runtime.double_submit.issue(next(iter(self.named_sessions()), None))
        response = json_answer({**body, header_field: value})
        self.mount.cookies.set_csrf_token(response, value, self.policy.inactivity_timeout)
        return response

    def settle_refusal(self, error: AuthError, response: Response) -> None:
        """Clear the cookies if the very refresh token that came in one has been refused for good."""
        if self._refreshed_from_cookie and takes_cookies(error):
            self.mount.cookies.clear_tokens(response)

    def _issue(self, grant: Grant) -> str:
        claims = self.mount.contract.access_claims(grant)
        return self._runtime.access_tokens.issue(grant, claims, self.mount.audience)

    def _access_claims(self) -> AccessClaims:
        if self.access is None:
            raise AccessTokenMissing
        return self.access

    def _check_double_submit(self, session_id: UUID | None) -> None:
        if not self.double_submit_enabled or self._request.method in csrf.SAFE_METHODS:
            return
        cookie = self.mount.cookies.csrf_token(self._request)
        self._runtime.double_submit.check(cookie, self._submitted(), session_id)

    def _submitted(self) -> str | None:
        return self._request.headers.get(csrf.HEADER)
