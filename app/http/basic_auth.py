"""How an application says in the Authorization header which one it is."""

import base64
from urllib.parse import unquote_plus

from flask import Request

from app.engine.errors import InvalidClient


def basic_credentials(request: Request) -> tuple[str, str] | None:
    """Return id and secret of HTTP Basic, or None where there is no Authorization header.

    Raises:
        InvalidClient: another scheme, or not of the form.

    Source: RFC 7617; RFC 6749 section 2.3.1 has both parts encoded as in a form.
    """
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, encoded = header.strip().partition(" ")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
        parts = [unquote_plus(part, errors="strict") for part in decoded.split(":", 1)]
    except ValueError as error:
        raise InvalidClient("the Authorization header is malformed") from error
    if scheme.lower() != "basic" or len(parts) != 2:
        raise InvalidClient("the Authorization header is not HTTP Basic")
    return parts[0], parts[1]
