"""`@operation`: what every endpoint of every contract declares, and what happens before its view runs."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import wraps
from typing import Any

from flask import Response, request
from marshmallow import Schema, ValidationError

from app.engine.errors import AuthError, InvalidRequest
from app.http.call import begin_call
from app.http.contract import ErrorAnswer
from app.http.json_body import read_object
from app.http.runtime import runtime

View = Callable[..., Response]
_ATTRIBUTE = "__keyturn_operation__"


class Access(Enum):
    """Who may call an operation."""

    PUBLIC = auto()
    """Anybody; tokens that come along are not judged."""
    OPTIONAL = auto()
    """Anybody; an access token that comes along must be good."""
    PARTIAL = auto()
    """Whoever has an access token, also while the second factor is due."""
    FULL = auto()
    """Whoever has an access token and has finished signing in."""


_GUARDED = frozenset({Access.PARTIAL, Access.FULL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What is known about an endpoint, for serving it and for describing it."""

    summary: str
    answers: type[Schema]
    status: int
    body: type[Schema] | None
    access: Access
    limit: str | None
    refuses: tuple[type[AuthError] | ErrorAnswer, ...]
    gives_tokens: bool


def operation(
    summary: str,
    *,
    answers: type[Schema],
    body: type[Schema] | None = None,
    status: int = 200,
    access: Access = Access.PUBLIC,
    limit: str | None = None,
    refuses: tuple[type[AuthError] | ErrorAnswer, ...] = (),
    gives_tokens: bool = False,
) -> Callable[[View], View]:
    """Declare an endpoint. The view gets the `Call`, the loaded body if there is a schema, and path values.

    The order is fixed: limit, cross-site check, body, access token. A refusal changes nothing.
    """
    declared = Operation(
        summary=summary,
        answers=answers,
        status=status,
        body=body,
        access=access,
        limit=limit,
        refuses=refuses,
        gives_tokens=gives_tokens,
    )
    schema = body() if body is not None else None

    def decorate(view: View) -> View:
        @wraps(view)
        def serve(**path: Any) -> Response:
            call = begin_call(runtime().mounts[request.blueprints[-1]])
            if limit is not None:
                call.check_limit(limit)
            call.check_origin()
            arguments = [] if schema is None else [load(schema)]
            if access in _GUARDED or (access is Access.OPTIONAL and call.access_token() is not None):
                call.authenticate(partial=access is Access.PARTIAL)
            return view(call, *arguments, **path)

        setattr(serve, _ATTRIBUTE, declared)
        return serve

    return decorate


def declared_operation(view: Callable[..., Any]) -> Operation | None:
    """Return what a view was declared with, or None for a view that is no operation."""
    return getattr(view, _ATTRIBUTE, None)


def load(schema: Schema) -> dict[str, Any]:
    """Read the body and check it against the schema.

    Raises:
        InvalidRequest: with the first complaint of each field, in the order of the schema.
    """
    try:
        loaded: dict[str, Any] = schema.load(read_object(request))
    except ValidationError as error:
        raise InvalidRequest(_problems(error.messages_dict)) from error
    return loaded


def _problems(messages: dict[str, Any], path: str = "") -> dict[str, str]:
    """Flatten marshmallow's messages to `field -> "field complaint"`."""
    problems: dict[str, str] = {}
    for name, found in messages.items():
        field = path if name == "_schema" else f"{path}.{name}".strip(".")
        if isinstance(found, dict):
            problems.update(_problems(found, field))
        else:
            problems[field] = f"{field} {found[0]}".strip()
    return problems
