"""`/keyturn.js`, the module that applications load into their pages, and its types."""

import hashlib
from pathlib import Path

from flask import Blueprint, Response, request

client_module = Blueprint("client_module", __name__)

_HERE = Path(__file__).parent


class _File:
    """One file, read once; its tag is its content's, so that every host answers alike."""

    def __init__(self, name: str, content_type: str) -> None:
        self._content = (_HERE / name).read_bytes()
        self._tag = hashlib.sha256(self._content).hexdigest()[:32]
        self._content_type = content_type

    def answer(self) -> Response:
        """Let browsers keep the file and ask each time whether it is still the same (RFC 9110 section 13)."""
        response = Response(self._content, content_type=self._content_type)
        response.set_etag(self._tag)
        response.headers["Cache-Control"] = "no-cache"
        # Nobody's cookie changes what it says.
        response.headers["Vary"] = "Origin"
        response.make_conditional(request)
        return response


_MODULE = _File("keyturn.js", "text/javascript; charset=utf-8")
_TYPES = _File("keyturn.d.ts", "text/plain; charset=utf-8")


@client_module.get("/keyturn.js")
def module() -> Response:
    return _MODULE.answer()


@client_module.get("/keyturn.d.ts")
def types() -> Response:
    return _TYPES.answer()
