"""`Operation`: what every endpoint of every contract declares, and what happens before its view runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import wraps
from typing import Any

from flask import Response, current_app, request
from flask.globals import request_ctx
from marshmallow import Schema, ValidationError

from app.engine.errors import AuthError, InvalidRequest
from app.http.body import limit_body
from app.http.call import Call
from app.http.contract import ErrorAnswer
from app.http.current import begin_call
from app.http.form_body import read_form
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
    SIGNED_IN = auto()
    """Whoever has finished signing in, also while another password is due."""
    FULL = auto()
    """Whoever has finished signing in and has nothing else to do first."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What is known about an endpoint, for serving it and for describing it. Decorates the view.

    The view gets the `Call`, the loaded body if there is a schema, and path values. The order is fixed:
    limit, cross-site check, headers, body, access token. A refusal changes nothing.

    `form`: the body is a form and not JSON. `headers` are checked as the body is. `others` are answers beside
    success that do not have the contract's error body. `errors` goes before the contract's table, and
    `failure` is what a 500 says here. `gives_tokens` and `clears_tokens` say what success does to cookies.
    """

    summary: str
    answers: type[Schema] | Schema
    body: type[Schema] | None = None
    form: bool = False
    status: int = 200
    access: Access = Access.PUBLIC
    limit: str | None = None
    refuses: tuple[type[AuthError] | ErrorAnswer, ...] = ()
    gives_tokens: bool = False
    clears_tokens: bool = False
    headers: type[Schema] | None = None
    others: Mapping[int, type[Schema]] = field(default_factory=dict)
    errors: Mapping[type[AuthError], ErrorAnswer] = field(default_factory=dict)
    failure: str | None = None

    def __call__(self, view: View) -> View:
        """Return the view with everything in front of it that was declared."""
        schema = self.body() if self.body is not None else None
        header_schema = self.headers() if self.headers is not None else None
        read = read_form if self.form else read_object

        @wraps(view)
        def serve(**path: Any) -> Response:
            # Not its proxy, which would look the request up anew at each of some thirty questions.
            request = request_ctx.request
            here = runtime()
            limit_body(request, here.settings.web.max_body_bytes)
            call = begin_call(request, here, here.mounts[request.blueprints[-1]])
            if self.limit is not None:
                call.check_limit(self.limit)
            call.check_origin()
            if header_schema is not None:
                validated(header_schema, dict(request.headers))
            arguments = [] if schema is None else [validated(schema, read(request))]
            if self._wants_access(call):
                call.authenticate(
                    pending=self.access is Access.PARTIAL,
                    overdue=self.access in {Access.PARTIAL, Access.SIGNED_IN},
                )
            return view(call, *arguments, **path)

        setattr(serve, _ATTRIBUTE, self)
        return serve

    def _wants_access(self, call: Call) -> bool:
        if self.access is Access.OPTIONAL:
            return call.access_token() is not None
        return self.access is not Access.PUBLIC


def operation(summary: str, *, answers: type[Schema] | Schema, **declared: Any) -> Operation:
    """Declare an endpoint."""
    return Operation(summary=summary, answers=answers, **declared)


def declared_operation(view: Callable[..., Any]) -> Operation | None:
    """Return what a view was declared with, or None for a view that is no operation."""
    return getattr(view, _ATTRIBUTE, None)


def current_operation() -> Operation | None:
    """Return what the endpoint of the running request was declared with, if it is an operation."""
    view = current_app.view_functions.get(request.endpoint or "")
    return declared_operation(view) if view is not None else None


def validated(schema: Schema, values: dict[str, Any]) -> dict[str, Any]:
    """Check what came against a schema.

    Raises:
        InvalidRequest: with the first complaint of each field, in the order of the schema.
    """
    try:
        loaded: dict[str, Any] = schema.load(values)
    except ValidationError as error:
        raise InvalidRequest(_problems(error.messages_dict)) from error
    return loaded


def _problems(messages: dict[str, Any], path: str = "") -> dict[str, str]:
    """Flatten marshmallow's messages to `field -> "field complaint"`; `$field` puts the name elsewhere."""
    problems: dict[str, str] = {}
    for name, found in messages.items():
        field = path if name == "_schema" else f"{path}.{name}".strip(".")
        if isinstance(found, dict):
            problems.update(_problems(found, field))
        else:
            complaint = found[0] if "$field" in found[0] else f"$field {found[0]}"
            problems[field] = complaint.replace("$field", field).strip()
    return problems
