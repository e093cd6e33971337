"""Reads the body of a request: whole, or not at all."""

from flask import Request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge


def limit_body(request: Request, longest: int) -> None:
    """Let no more of a body be read than shows whether it is longer than it may be.

    Where no length is declared, reading ends at the limit without a word; so the limit is one byte further.
    """
    request.max_content_length = longest + 1


def read_body(request: Request) -> bytes:
    """Return the body, however often it is asked for.

    Raises:
        RequestEntityTooLarge: it is longer than `limit_body` lets it be.
        ClientDisconnected: it ended before the length that it had declared, so its last value may be cut.
    """
    raw = request.get_data(cache=True)
    if request.max_content_length is not None and len(raw) >= request.max_content_length:
        raise RequestEntityTooLarge
    if request.content_length is not None and len(raw) < request.content_length:
        raise ClientDisconnected
    return raw
