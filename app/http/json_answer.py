"""Writes a JSON answer as `flask.jsonify` does, with an encoder that is made once and not for each answer."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Response
from flask.json.provider import DefaultJSONProvider

_encode = json.JSONEncoder(separators=(",", ":"), sort_keys=True, default=DefaultJSONProvider.default).encode


def json_answer(body: Mapping[str, Any] | list[Any], status: int = 200) -> Response:
    """Return the answer with this body."""
    return Response(_encode(body), status, content_type="application/json")
