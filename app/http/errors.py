"""Turns every refusal and every failure into the answer of the contract it happened in."""

import logging
import math
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, jsonify, make_response, request
from werkzeug.exceptions import HTTPException

from app.engine import errors
from app.engine.errors import AuthError, InvalidRequest
from app.http.call import current_call
from app.http.contract import ErrorAnswer, Refusal, WireRefusal
from app.http.runtime import Mount, runtime

_log = logging.getLogger(__name__)

_SHARED: dict[type[AuthError], ErrorAnswer] = {
    errors.InvalidRequest: ErrorAnswer(400),
    errors.InvalidCredentials: ErrorAnswer(401),
    errors.UnknownPerson: ErrorAnswer(401, "invalid_credentials"),
    errors.AccessTokenMissing: ErrorAnswer(401),
    errors.AccessTokenExpired: ErrorAnswer(401),
    errors.InvalidAccessToken: ErrorAnswer(401),
    errors.AccessSessionEnded: ErrorAnswer(401),
    errors.RefreshTokenMissing: ErrorAnswer(401),
    errors.InvalidRefreshToken: ErrorAnswer(401),
    errors.RefreshTokenExpired: ErrorAnswer(401),
    errors.SessionRevoked: ErrorAnswer(401),
    errors.RefreshTokenReused: ErrorAnswer(401),
    errors.AccountUnavailable: ErrorAnswer(401),
    errors.AccountSuspended: ErrorAnswer(401),
    errors.AccountDeleted: ErrorAnswer(401),
    errors.OrganizationSuspended: ErrorAnswer(403),
    errors.MembershipLost: ErrorAnswer(403),
    errors.SecondFactorRequired: ErrorAnswer(401),
    errors.PasswordChangeRequired: ErrorAnswer(403),
    errors.CurrentPasswordIncorrect: ErrorAnswer(400),
    errors.PasswordUnchanged: ErrorAnswer(400),
    errors.PasswordRefused: ErrorAnswer(400),
    errors.EmailTaken: ErrorAnswer(409),
    errors.PhoneTaken: ErrorAnswer(409),
    errors.UsernameTaken: ErrorAnswer(409),
    errors.SlugTaken: ErrorAnswer(409),
    errors.NotFound: ErrorAnswer(404),
    errors.PermissionDenied: ErrorAnswer(403),
    errors.CrossSiteRequest: ErrorAnswer(403),
    errors.CsrfTokenInvalid: ErrorAnswer(403),
    errors.AccountLocked: ErrorAnswer(429),
    errors.RateLimited: ErrorAnswer(429),
    errors.Unavailable: ErrorAnswer(503),
}


def answers_for(contract_errors: Mapping[type[AuthError], ErrorAnswer]) -> dict[type[AuthError], ErrorAnswer]:
    """Return a contract's whole error table: its own answers over the shared ones.

    Raises:
        LookupError: an error of the engine has no answer; the application must not start.
    """
    table = {**_SHARED, **contract_errors}
    missing = [error.__name__ for error in every_error() if error not in table]
    if missing:
        raise LookupError(f"errors without an answer: {', '.join(missing)}")
    return table


def every_error() -> list[type[AuthError]]:
    """Return every error of the engine that has a code of its own."""
    found: list[type[AuthError]] = []
    pending = list(AuthError.__subclasses__())
    while pending:
        error = pending.pop()
        pending += error.__subclasses__()
        if error.__module__ == errors.__name__ and "code" in vars(error):
            found.append(error)
    return found


def install_error_handlers(app: Flask) -> None:
    """Answer refusals, HTTP errors and failures alike in the contract's own shape."""
    app.register_error_handler(AuthError, _refuse)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_failure)


def _refuse(error: AuthError) -> Response:
    mount = runtime().mount_for(request.path)
    answer = _answer(error, mount)
    _log.info(
        "refused %s %s: %s (%s)", request.method, request.endpoint, error.code, error.detail or error.message
    )
    refusal = Refusal(
        status=answer.status,
        # A contract says with an empty code that its documentation gives none.
        code=error.code if answer.code is None else answer.code or None,
        message=_message(error) if answer.message is None else answer.message,
        path=request.path,
        at=runtime().engine.clock.now(),
        problems=error.problems if isinstance(error, InvalidRequest) else {},
    )
    response = _render(mount, refusal)
    _add_headers(response, error, answer.status)
    call = current_call()
    if call is not None:
        call.settle_refusal(error, response)
    return response


def _answer(error: AuthError, mount: Mount | None) -> ErrorAnswer:
    if isinstance(error, WireRefusal):
        return error.answer
    return (mount.errors if mount else _SHARED)[type(error)]


def _answer_http_error(error: HTTPException) -> Response:
    """Answer 404, 405, 413, 415 and their like; a redirect stays what it is."""
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return make_response(error.get_response())
    status = HTTPStatus(error.code)
    mount = runtime().mount_for(request.path)
    refusal = _plain(status, status.phrase)
    response = _render(mount, refusal)
    for name, value in error.get_headers():
        if name not in {"Content-Type", "Content-Length"}:
            response.headers[name] = value
    return response


def _answer_failure(error: Exception) -> Response:
    """Say nothing of what failed, but give the id under which the log does."""
    reference = secrets.token_hex(6)
    _log.error("failure %s in %s %s", reference, request.method, request.endpoint, exc_info=error)
    message = f"Internal server error (reference {reference})"
    refusal = _plain(HTTPStatus.INTERNAL_SERVER_ERROR, message)
    return _render(runtime().mount_for(request.path), refusal)


def _plain(status: HTTPStatus, message: str) -> Refusal:
    """Describe a refusal that has no code."""
    return Refusal(
        status=status, code=None, message=message, path=request.path, at=runtime().engine.clock.now()
    )


def _render(mount: Mount | None, refusal: Refusal) -> Response:
    if mount is not None:
        response = jsonify(mount.contract.error_body(refusal))
    else:
        response = jsonify(_problem(refusal))
        response.content_type = "application/problem+json"
    response.status_code = refusal.status
    return response


def _problem(refusal: Refusal) -> dict[str, Any]:
    """Return the body of RFC 9457 section 3, for paths that belong to no contract."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(refusal.status).phrase,
        "status": int(refusal.status),
        "detail": refusal.message,
    }
    return {**body, "code": refusal.code} if refusal.code else body


def _message(error: AuthError) -> str:
    """Return the public text; for bad input that is the first complaint."""
    if isinstance(error, InvalidRequest | errors.PasswordRefused):
        return error.detail
    return error.message


def _add_headers(response: Response, error: AuthError, status: int) -> None:
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(retry_after.total_seconds())))
    if status == HTTPStatus.UNAUTHORIZED:
        sent = isinstance(error, errors.InvalidAccessToken)
        response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"' if sent else "Bearer"
