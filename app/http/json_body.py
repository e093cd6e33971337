"""Reads a JSON object strictly: what is ambiguous, endless or unprintable is refused before it is used."""

import json
import re
from typing import Any, NoReturn

from flask import Request
from werkzeug.exceptions import UnsupportedMediaType

from app.engine.errors import InvalidRequest
from app.http.body import read_body

_MEDIA_TYPE = "application/json"
_DEEPEST = 8
# The closing quote is optional so that an unterminated string is passed over once and not once per quote.
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)


def read_object(request: Request) -> dict[str, Any]:
    """Return the body as an object; an empty body is an empty object.

    Raises:
        InvalidRequest: not UTF-8, not JSON, not an object, a name given twice, NaN, too deeply nested, or
            text that no database can hold (NUL, lone surrogates).
        UnsupportedMediaType: there is a body and it does not call itself JSON.
        RequestEntityTooLarge, ClientDisconnected: see `read_body`.
    """
    raw = read_body(request)
    if not raw.strip():
        return {}
    # The plain name is what nearly everybody sends; only another spelling is worth taking apart.
    if request.content_type != _MEDIA_TYPE:
        _check_media_type(request)
    body = _parse(raw)
    if not isinstance(body, dict):
        raise InvalidRequest("the body must be a JSON object")
    return body


def _check_media_type(request: Request) -> None:
    if request.mimetype != _MEDIA_TYPE:
        raise UnsupportedMediaType("The body must be application/json.")


def _parse(raw: bytes) -> Any:
    _refuse_depth(raw)
    try:
        body = _decoder.decode(raw.decode())
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("the body is not valid JSON") from error
    # Only an escape can bring in a lone surrogate or a NUL: raw ones are no valid UTF-8 JSON.
    if b"\\u" in raw:
        _refuse_unprintable(body)
    return body


def _refuse_depth(raw: bytes) -> None:
    """Count brackets outside strings, where a password may have any; few brackets need no closer look."""
    if raw.count(b"{") + raw.count(b"[") <= _DEEPEST:
        return
    depth = deepest = 0
    for byte in _STRING.sub(b"", raw):
        if byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    if deepest > _DEEPEST:
        raise InvalidRequest("the body is nested too deeply")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _refuse_unprintable(value: Any) -> None:
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise InvalidRequest("the body holds characters that are not allowed")
    elif isinstance(value, dict):
        for name, item in value.items():
            _refuse_unprintable(name)
            _refuse_unprintable(item)
    elif isinstance(value, list):
        for item in value:
            _refuse_unprintable(item)


# Made once: `json.loads` with any option makes a decoder for each call.
_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
