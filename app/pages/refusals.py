"""Pages for what is not there, not readable, or broken."""

from http import HTTPStatus

from flask import Response, make_response
from werkzeug.exceptions import HTTPException

from app.http.errors import log_failure
from app.http.visit import begin_visit
from app.pages.visiting import PageVisit


def show_http_error(error: HTTPException) -> Response:
    """Show 404, 405, 413, 415 and their like; a redirect stays what it is."""
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return make_response(error.get_response())
    response = _show(HTTPStatus(error.code), None)
    for name, value in error.get_headers():
        if name not in {"Content-Type", "Content-Length"}:
            response.headers[name] = value
    return response


def show_failure(error: Exception) -> Response:
    """Say nothing of what failed, but give the id under which the log does."""
    return _show(HTTPStatus.INTERNAL_SERVER_ERROR, log_failure(error))


def _show(status: HTTPStatus, reference: str | None) -> Response:
    return begin_visit(PageVisit).show("failed.html", status, title=status.phrase, reference=reference)
