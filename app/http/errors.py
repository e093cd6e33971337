"""Turns every refusal and every failure into the answer of the contract it happened in."""

import logging
import math
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, make_response, request
from werkzeug.exceptions import HTTPException, default_exceptions

from app.engine import errors
from app.engine.errors import AuthError, InvalidRequest
from app.http.contract import ErrorAnswer, Refusal, WireRefusal
from app.http.current import current_call
from app.http.operations import current_operation
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
    errors.InvalidClient: ErrorAnswer(401),
    errors.SecondFactorRequired: ErrorAnswer(401),
    errors.PasswordChangeRequired: ErrorAnswer(403),
    errors.CurrentPasswordIncorrect: ErrorAnswer(400),
    errors.PasswordUnchanged: ErrorAnswer(400),
    errors.PasswordRefused: ErrorAnswer(400),
    errors.InvalidCode: ErrorAnswer(400),
    errors.CodeExpired: ErrorAnswer(400),
    errors.AddressMissing: ErrorAnswer(400),
    errors.AlreadyVerified: ErrorAnswer(400),
    errors.PasswordlessDisabled: ErrorAnswer(403),
    errors.InvalidSecondFactor: ErrorAnswer(401),
    errors.InvalidRecoveryCode: ErrorAnswer(401),
    errors.SecondFactorNotEnabled: ErrorAnswer(403),
    errors.SecondFactorEnabled: ErrorAnswer(409),
    errors.SecondFactorMissing: ErrorAnswer(403),
    errors.SecondFactorEnforced: ErrorAnswer(403),
    errors.ReauthenticationRequired: ErrorAnswer(403),
    errors.EmailTaken: ErrorAnswer(409),
    errors.PhoneTaken: ErrorAnswer(409),
    errors.UsernameTaken: ErrorAnswer(409),
    errors.SlugTaken: ErrorAnswer(409),
    errors.ClientIdTaken: ErrorAnswer(409),
    errors.NotFound: ErrorAnswer(404),
    errors.PermissionDenied: ErrorAnswer(403),
    errors.CrossSiteRequest: ErrorAnswer(403),
    errors.CsrfTokenInvalid: ErrorAnswer(403),
    errors.AccountLocked: ErrorAnswer(429),
    errors.RateLimited: ErrorAnswer(429),
    errors.Unavailable: ErrorAnswer(503),
}


def answers_for(contract_errors: Mapping[type[AuthError], ErrorAnswer]) -> dict[type[AuthError], ErrorAnswer]:
    """Return a contract's whole error table: its own answers, or else the shared ones.

    An error that a contract does not name is answered as the nearest kind that it does name, so that nothing
    gives away more than the contract wanted.

    Raises:
        LookupError: an error of the engine has no answer; the application must not start.
    """
    found = {error: nearest(error, contract_errors) or nearest(error, _SHARED) for error in every_error()}
    missing = [error.__name__ for error, answer in found.items() if answer is None]
    if missing:
        raise LookupError(f"errors without an answer: {', '.join(missing)}")
    return {error: answer for error, answer in found.items() if answer is not None}


def nearest(error: type[AuthError], table: Mapping[type[AuthError], ErrorAnswer]) -> ErrorAnswer | None:
    """Return what a table says of an error, or else of the nearest kind of error that it is."""
    if error in table:
        return table[error]
    kinds: list[type[AuthError]] = [kind for kind in error.__mro__ if issubclass(kind, AuthError)]
    kind = next((kind for kind in kinds if kind in table), None)
    if kind is None:
        return None
    answer = table[kind]
    return replace(
        answer,
        code=kind.code if answer.code is None else answer.code,
        message=kind.message if answer.message is None else answer.message,
    )


def every_error() -> list[type[AuthError]]:
    """Return every error of the engine that has a code of its own."""
    found: list[type[AuthError]] = []
    pending = list(AuthError.__subclasses__())
    while pending:
        error = pending.pop()
        pending += error.__subclasses__()
        if error.__module__.startswith(errors.__name__) and "code" in vars(error):
            found.append(error)
    return found


def install_refusals(app: Flask) -> None:
    """Answer the engine's refusals in the contract's own shape, in whichever view they come up."""
    app.register_error_handler(AuthError, _refuse)


def install_error_handlers(owner: Flask | Blueprint) -> None:
    """Answer refusals, HTTP errors and failures alike in the contract's own shape."""
    owner.register_error_handler(AuthError, _refuse)
    handle_http_errors(owner, _answer_http_error)
    owner.register_error_handler(Exception, _answer_failure)


def handle_http_errors(owner: Flask | Blueprint, handler: Callable[[HTTPException], Response]) -> None:
    """Answer every HTTP error of a blueprint in one way, whatever its application does with a 404 of its own.

    Flask looks for a handler of the very status first, in the application too.
    """
    owner.register_error_handler(HTTPException, handler)
    for status in default_exceptions:
        owner.register_error_handler(status, handler)


def _refuse(error: AuthError) -> Response:
    mount = _owner()
    answer = _answer(error, mount)
    log_refusal(error)
    message = _message(error, answer)
    refusal = Refusal(
        status=answer.status,
        # A contract says with an empty code that its documentation gives none.
        code=error.code if answer.code is None else answer.code or None,
        message=message,
        path=request.path,
        at=runtime().engine.clock.now(),
        problems=_problems(error, answer, message),
    )
    response = _render(mount, refusal)
    _add_headers(response, error, answer)
    call = current_call()
    if call is not None:
        call.settle_refusal(error, response)
    return response


def _answer(error: AuthError, mount: Mount | None) -> ErrorAnswer:
    if isinstance(error, WireRefusal):
        return error.answer
    operation = current_operation()
    here = nearest(type(error), operation.errors) if operation else None
    return here or answer_of(error, mount.errors if mount else _SHARED)


def answer_of(error: AuthError, answers: Mapping[type[AuthError], ErrorAnswer]) -> ErrorAnswer:
    """Return what a whole table says of an error; one without a code of its own is answered as its kind."""
    return next(answers[kind] for kind in type(error).__mro__ if kind in answers)


def _answer_http_error(error: HTTPException) -> Response:
    """Answer 404, 405, 413, 415 and their like; a redirect stays what it is."""
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return make_response(error.get_response())
    status = HTTPStatus(error.code)
    response = _render(_owner(), _plain(status, status.phrase))
    for name, value in error.get_headers():
        if name not in {"Content-Type", "Content-Length"}:
            response.headers[name] = value
    return response


def _answer_failure(error: Exception) -> Response:
    """Say nothing of what failed, but give the id under which the log does."""
    reference = log_failure(error)
    operation = current_operation()
    message = operation.failure if operation else None
    message = message or f"Internal server error (reference {reference})"
    refusal = _plain(HTTPStatus.INTERNAL_SERVER_ERROR, message)
    return _render(_owner(), refusal)


def log_failure(error: Exception) -> str:
    """Write a failure to the log and return the id under which it stands there."""
    reference = secrets.token_hex(6)
    _log.error("failure %s in %s %s", reference, request.method, request.endpoint, exc_info=error)
    return reference


def log_refusal(error: AuthError) -> None:
    """Write a refusal to the log, with what is not for the client."""
    _log.info(
        "refused %s %s: %s (%s)", request.method, request.endpoint, error.code, error.detail or error.message
    )


def _owner() -> Mount | None:
    """Return the contract whose operation was running, or else the one under whose prefix the path lies."""
    call = current_call()
    return call.mount if call is not None else runtime().mount_for(request.path)


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


def _problems(error: AuthError, answer: ErrorAnswer, message: str) -> dict[str, str]:
    """Return the complaints by field; what is about no field in particular is in the message alone."""
    if isinstance(error, InvalidRequest):
        return {field: text for field, text in error.problems.items() if field}
    return {answer.field: message} if answer.field else {}


def _message(error: AuthError, answer: ErrorAnswer) -> str:
    """Return the public text; for bad input that is the first complaint."""
    if answer.message is not None:
        # What a view puts into an answer of its own may come from the request, and is no pattern.
        return answer.message if isinstance(error, WireRefusal) else answer.message.format(error=error)
    if isinstance(error, InvalidRequest | errors.PasswordRefused):
        return error.detail
    return error.message


def retry_after(error: AuthError) -> str | None:
    """Return the value of the header, in whole seconds, where the refusal passes by itself."""
    wait = getattr(error, "retry_after", None)
    return None if wait is None else str(max(1, math.ceil(wait.total_seconds())))


def _add_headers(response: Response, error: AuthError, answer: ErrorAnswer) -> None:
    wait = retry_after(error)
    if wait is not None:
        response.headers["Retry-After"] = wait
    if answer.status == HTTPStatus.UNAUTHORIZED:
        call = current_call()
        was_read = call is not None and call.access is not None
        # A wrong code says nothing against the token beside it, which a client need not refresh for it.
        sent = isinstance(error, errors.InvalidAccessToken) or (
            was_read and not isinstance(error, errors.InvalidCode)
        )
        bearer = 'Bearer error="invalid_token"' if sent else "Bearer"
        response.headers["WWW-Authenticate"] = answer.challenge or bearer
