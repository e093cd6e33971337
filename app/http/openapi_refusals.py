"""Everything an operation can refuse with, worked out from what it declares and from how it is mounted."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from werkzeug.routing import Rule

from app.engine import errors
from app.engine.errors import AuthError
from app.http import csrf
from app.http.call import DEFINITIVE
from app.http.contract import ErrorAnswer, Refusal
from app.http.errors import nearest
from app.http.openapi_transports import asks_double_submit, may_use_cookies, takes_refresh_cookie
from app.http.operations import Access, Operation
from app.http.runtime import Mount
from config import Settings

# A fixed moment, so that all processes give one and the same document.
_SAMPLE_AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
_SESSION_IS_OVER = (
    errors.AccessSessionEnded,
    errors.AccountSuspended,
    errors.AccountDeleted,
    errors.OrganizationSuspended,
    errors.MembershipLost,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One way to be refused; `name` is unique within a contract, `code` is what the wire shows.

    `clears_tokens`: it may come with the cookies of the login deleted.
    """

    name: str
    status: int
    code: str | None
    message: str
    clears_tokens: bool = False

    def body(self, mount: Mount | None) -> dict[str, Any]:
        """Return the very body that is sent; outside every contract it is that of RFC 9457."""
        if mount is None:
            title = HTTPStatus(self.status).phrase
            return {"type": "about:blank", "title": title, "status": self.status, "detail": self.message}
        path = mount.settings.prefix
        refusal = Refusal(status=self.status, code=self.code, message=self.message, path=path, at=_SAMPLE_AT)
        return mount.contract.error_body(refusal)


def http_reason(status: HTTPStatus) -> Reason:
    """Return a refusal that has no code, such as a body of the wrong type."""
    return Reason(name=status.name.lower(), status=status, code=None, message=status.phrase)


def reasons(rule: Rule, method: str, operation: Operation, mount: Mount, settings: Settings) -> list[Reason]:
    """Return all refusals of one operation by status, each kind once."""
    kinds: list[type[AuthError] | ErrorAnswer] = [
        *operation.refuses,
        *_implied(method, operation, mount, settings),
        errors.Unavailable,
    ]
    found = {reason.name: reason for reason in _named(kinds, mount, operation)}
    for status in _http_statuses(operation):
        found[status.name] = http_reason(status)
    if operation.failure is not None:
        failure = ErrorAnswer(HTTPStatus.INTERNAL_SERVER_ERROR, "", operation.failure)
        found[HTTPStatus.INTERNAL_SERVER_ERROR.name] = _own(failure)
    if "<" in rule.rule and all(reason.status != HTTPStatus.NOT_FOUND for reason in found.values()):
        found["path"] = http_reason(HTTPStatus.NOT_FOUND)
    return sorted(found.values(), key=lambda reason: reason.status)


def _implied(method: str, operation: Operation, mount: Mount, settings: Settings) -> list[type[AuthError]]:
    """Return what the steps before the view can refuse with, in their order."""
    found: list[type[AuthError]] = []
    guarded = operation.access is not Access.PUBLIC
    if operation.limit is not None and getattr(settings.rate_limits, operation.limit) is not None:
        found.append(errors.RateLimited)
    if may_use_cookies(mount) and method not in csrf.SAFE_METHODS:
        found.append(errors.CrossSiteRequest)
    # A cookie that comes twice is bad input as well.
    if operation.body is not None or (may_use_cookies(mount) and (guarded or operation.gives_tokens)):
        found.append(errors.InvalidRequest)
    if guarded:
        found += _guard(operation)
    if asks_double_submit(method, operation, mount, settings):
        found.append(errors.CsrfTokenInvalid)
    return found


def _guard(operation: Operation) -> list[type[AuthError]]:
    found: list[type[AuthError]] = [errors.InvalidAccessToken]
    if operation.access is not Access.OPTIONAL:
        found.insert(0, errors.AccessTokenMissing)
    # With signatures alone too: the session is read for tokens that say that something is due.
    found += _SESSION_IS_OVER
    if operation.access is not Access.PARTIAL:
        found.append(errors.SecondFactorRequired)
        if operation.access is not Access.SIGNED_IN:
            found.append(errors.PasswordChangeRequired)
    return found


def _named(
    kinds: Iterable[type[AuthError] | ErrorAnswer], mount: Mount, operation: Operation
) -> list[Reason]:
    found = []
    for kind in kinds:
        if isinstance(kind, ErrorAnswer):
            found.append(_own(kind))
        elif (here := nearest(kind, operation.errors)) is not None:
            found.append(_own(here))
        else:
            found.append(_shared(kind, mount))
        if takes_refresh_cookie(mount, operation) and isinstance(kind, type) and issubclass(kind, DEFINITIVE):
            found[-1] = replace(found[-1], clears_tokens=True)
    return found


def _shared(error: type[AuthError], mount: Mount) -> Reason:
    answer = mount.errors[error]
    return Reason(
        name=error.code,
        status=answer.status,
        code=error.code if answer.code is None else answer.code or None,
        message=error.message if answer.message is None else answer.message,
    )


def _own(answer: ErrorAnswer) -> Reason:
    """Name a refusal that only one contract knows after its code, or else after its text."""
    name = re.sub(r"\W+", "_", (answer.code or answer.message or str(answer.status)).lower())
    return Reason(name=name, status=answer.status, code=answer.code or None, message=answer.message or "")


def _http_statuses(operation: Operation) -> list[HTTPStatus]:
    found = [HTTPStatus.INTERNAL_SERVER_ERROR]
    if operation.body is not None:
        found += [HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE]
    return found
