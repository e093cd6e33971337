"""Reads a form strictly: what is ambiguous, endless or unprintable is refused before it is used."""

import re
from typing import Any
from urllib.parse import parse_qsl

from flask import Request
from werkzeug.exceptions import UnsupportedMediaType

from app.engine.errors import InvalidRequest
from app.http.body import read_body

_MOST_FIELDS = 64
_HALF_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def read_form(request: Request) -> dict[str, Any]:
    """Return the fields of the form; one without a value counts as left out (RFC 6749 section 3.2).

    Raises:
        InvalidRequest: not UTF-8, half an escape, a name given twice, too many fields, or NUL.
        UnsupportedMediaType: there is a body and it does not call itself a form.
        RequestEntityTooLarge, ClientDisconnected: see `read_body`.
    """
    raw = read_body(request)
    if not raw.strip():
        return {}
    if request.mimetype != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType("The body must be application/x-www-form-urlencoded.")
    pairs = _parse(raw)
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidRequest("a parameter is given more than once")
    if any("\x00" in text for pair in pairs for text in pair):
        raise InvalidRequest("the body holds characters that are not allowed")
    return {name: value for name, value in fields.items() if value}


def _parse(raw: bytes) -> list[tuple[str, str]]:
    if _HALF_ESCAPE.search(raw):
        raise InvalidRequest("the body is not a valid form")
    try:
        return parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise InvalidRequest("the body is not a valid form") from error
