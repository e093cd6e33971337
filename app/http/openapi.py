"""The description of what is mounted: an OpenAPI 3.1 document for programs, a page for people.

Nothing is described by hand that the declarations of the operations already say.
"""

import inspect
import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Blueprint, Flask, Response, current_app, request
from marshmallow import Schema, fields
from werkzeug.routing import Rule

from app.http import docs_page
from app.http.openapi_refusals import Reason, http_reason, reasons
from app.http.openapi_transports import (
    TRANSPORTS,
    cleared_cookies,
    may_use_cookies,
    request_headers,
    security,
    security_schemes,
    token_cookies,
)
from app.http.operations import Access, Operation, declared_operation
from app.http.runtime import Mount, Runtime, runtime

VERSION = "0.1.0"
describe = Blueprint("describe", __name__, template_folder="templates")

_EXTENSION = "keyturn.description"
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_SEGMENT = re.compile(r"<(?:(?P<converter>\w+)(?:\([^)]*\))?:)?(?P<name>\w+)>")
_SEGMENT_TYPES: dict[str | None, dict[str, Any]] = {
    "uuid": {"type": "string", "format": "uuid"},
    "int": {"type": "integer", "minimum": 0},
    "float": {"type": "number"},
}
_CALLERS = {
    Access.PUBLIC: "",
    Access.OPTIONAL: "Needs no access token, but one that comes along must be good.",
    Access.PARTIAL: "Needs an access token; one whose second factor is still due will do.",
    Access.SIGNED_IN: "Needs an access token; one of somebody whose password is due for a change will do.",
    Access.FULL: "Needs an access token of a person who has finished signing in.",
}
_RETRY_AFTER = {
    "description": "After how many seconds to try again.",
    "schema": {"type": "integer", "minimum": 1},
}
_WWW_AUTHENTICATE = {"description": "How to authenticate (RFC 6750 section 3).", "schema": {"type": "string"}}


class HealthAnswer(Schema):
    """That the process serves requests."""

    status = fields.String(required=True)


class ReadinessAnswer(HealthAnswer):
    """Whether what the service needs answers."""

    database = fields.String(required=True, metadata={"description": "`ok` or `unavailable`."})
    limits = fields.String(required=True, metadata={"description": "Where rate limits are counted."})


class ProblemAnswer(Schema):
    """An error outside every contract (RFC 9457)."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String()


def _shaped(description: str, schema: object, mimetype: str = _JSON) -> dict[str, Any]:
    return {"description": description, "content": {mimetype: {"schema": schema}}}


_SERVICE: dict[str, dict[str, Any]] = {
    "health.alive": {"200": _shaped("Alive", HealthAnswer)},
    "health.ready": {
        "200": _shaped("Ready", ReadinessAnswer),
        "503": _shaped("The database does not answer", ReadinessAnswer),
    },
    "describe.document": {"200": _shaped("The document", {"type": "object"})},
    "describe.page": {"200": _shaped("The page", {"type": "string"}, "text/html")},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Description:
    document: str
    page: str
    policy: str


@describe.get("/openapi.json")
def document() -> Response:
    """Describe every endpoint for programs."""
    return _answer(_description().document, _JSON)


@describe.get("/docs")
def page() -> Response:
    """Describe every endpoint for people."""
    description = _description()
    response = _answer(description.page, "text/html")
    response.headers["Content-Security-Policy"] = description.policy
    return response


def build_document(app: Flask, served: Runtime) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of all contracts that are mounted and of the service itself."""
    return _Document(served).of(app)


def _description() -> _Description:
    """Return both texts; the first request of a process makes them, since nothing in them ever changes."""
    found: _Description | None = current_app.extensions.get(_EXTENSION)
    if found is None:
        built = build_document(current_app, runtime())
        rendered = docs_page.render(built)
        text = json.dumps(built, ensure_ascii=False)
        found = _Description(document=text, page=rendered.html, policy=rendered.policy)
        current_app.extensions[_EXTENSION] = found
    return found


def _answer(text: str, mimetype: str) -> Response:
    response = Response(text, mimetype=mimetype)
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


class _Converter(OpenAPIConverter):
    """Takes a schema's docstring for its description."""

    def schema2jsonschema(self, schema: Schema) -> dict[str, Any]:
        converted: dict[str, Any] = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        # What an answer holds beyond its schema is nothing a client may refuse.
        converted.pop("additionalProperties", None)
        return {"description": inspect.getdoc(schema), **converted}


class _Plugin(MarshmallowPlugin):
    Converter = _Converter


class _Document:
    """One document in the making."""

    def __init__(self, served: Runtime) -> None:
        self._runtime = served
        self._ids: set[str] = set()
        self._examples: set[str] = set()
        self._spec = APISpec(
            title="Keyturn",
            version=VERSION,
            openapi_version="3.1.0",
            plugins=[_Plugin(schema_name_resolver=_schema_name)],
            info={"description": "Sign-in, sessions and rotating refresh tokens."},
            servers=[{"url": served.settings.web.public_url}],
        )

    def of(self, app: Flask) -> dict[str, Any]:
        self._spec.components.header("RetryAfter", _RETRY_AFTER)
        self._spec.components.header("WWWAuthenticate", _WWW_AUTHENTICATE)
        for mount in self._runtime.mounts.values():
            self._add_contract(mount)
        self._spec.tag({"name": "service", "description": "The service itself, outside every contract."})
        for rule in app.url_map.iter_rules():
            self._add_rule(rule, declared_operation(app.view_functions[rule.endpoint]), app)
        return self._spec.to_dict()

    def _add_contract(self, mount: Mount) -> None:
        contract, components = mount.contract, self._spec.components
        transport = TRANSPORTS[mount.settings.tokens.access_token_type]
        text = f"{contract.title}, under `{mount.settings.prefix}`. {transport}"
        self._spec.tag({"name": contract.name, "description": text})
        if may_use_cookies(mount):
            header = token_cookies(mount, self._runtime.settings.cookies)
            components.header(f"{contract.name}.tokens", header)
            components.header(f"{contract.name}.cleared", cleared_cookies(mount))
        for scheme, definition in security_schemes(mount).items():
            components.security_scheme(scheme, definition)

    def _add_rule(self, rule: Rule, operation: Operation | None, app: Flask) -> None:
        mount = self._runtime.mounts.get(rule.endpoint.partition(".")[0])
        documentation = inspect.getdoc(app.view_functions[rule.endpoint]) or ""
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if mount is not None and operation is not None:
                described = self._operation(rule, method, mount, operation)
                described["description"] = f"{documentation}\n\n{_CALLERS[operation.access]}".strip()
            elif mount is not None or rule.endpoint in _SERVICE:
                described = self._plain(rule, mount, documentation)
            else:
                continue
            identity = {"operationId": self._id(rule.endpoint)}
            path = _SEGMENT.sub(r"{\g<name>}", rule.rule)
            self._spec.path(path=path, operations={method.lower(): {**identity, **described}})

    def _operation(self, rule: Rule, method: str, mount: Mount, operation: Operation) -> dict[str, Any]:
        settings = self._runtime.settings
        headers = request_headers(method, operation, mount, settings)
        described: dict[str, Any] = {
            "tags": [mount.contract.name],
            "summary": operation.summary,
            "x-access": operation.access.name.lower(),
            "parameters": [*_path_parameters(rule), *headers, *_header_parameters(operation)],
            "security": security(mount, operation),
            "responses": {str(operation.status): _success(mount, operation)},
        }
        if operation.body is not None:
            described["requestBody"] = _request_body(operation.body, _FORM if operation.form else _JSON)
        refusals = reasons(rule, method, operation, mount, settings)
        for status, found in groupby(refusals, key=lambda reason: reason.status):
            described["responses"][str(status)] = self._error(list(found), mount, self._limit(operation))
        for status, schema in operation.others.items():
            described["responses"][str(status)] = _shaped(HTTPStatus(status).phrase, schema)
        return described

    def _plain(self, rule: Rule, mount: Mount | None, documentation: str) -> dict[str, Any]:
        """Describe a view that declares nothing: what its docstring says, and that it can fail."""
        owner = mount or self._runtime.mount_for(rule.rule)
        failure = http_reason(HTTPStatus.INTERNAL_SERVER_ERROR)
        answers = _SERVICE.get(rule.endpoint, {"200": {"description": "OK"}})
        summary, _, rest = documentation.partition("\n")
        return {
            "tags": [mount.contract.name if mount else "service"],
            "summary": summary.removesuffix("."),
            "description": inspect.cleandoc(rest),
            "x-access": "public",
            "parameters": _path_parameters(rule),
            "responses": {**answers, "500": self._error([failure], owner, None)},
        }

    def _error(self, refusals: list[Reason], mount: Mount | None, limit: str | None) -> dict[str, Any]:
        """Describe the refusals of one status."""
        examples = {reason.name: {"$ref": self._example(reason, mount)} for reason in refusals}
        status = refusals[0].status
        description = HTTPStatus(status).phrase
        clears = any(reason.clears_tokens for reason in refusals)
        headers = _set_cookie(mount, "cleared") if mount and clears else {}
        if status == HTTPStatus.TOO_MANY_REQUESTS and limit is not None:
            description = f"{description}: at most {limit} from one address"
        if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
            headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
        if status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = {"$ref": "#/components/headers/WWWAuthenticate"}
        schema = mount.contract.error_schema if mount else ProblemAnswer
        content = {_JSON if mount else "application/problem+json": {"schema": schema, "examples": examples}}
        return {"description": description, "content": content, **({"headers": headers} if headers else {})}

    def _example(self, reason: Reason, mount: Mount | None) -> str:
        """Add the very body a refusal has, and return the reference to it."""
        name = f"{mount.contract.name if mount else 'service'}.{reason.name}"
        if name not in self._examples:
            self._examples.add(name)
            example: dict[str, Any] = {"summary": reason.message, "value": reason.body(mount)}
            if reason.code is not None:
                example["x-code"] = reason.code
            self._spec.components.example(name, example)
        return f"#/components/examples/{name}"

    def _limit(self, operation: Operation) -> str | None:
        limits = self._runtime.settings.rate_limits
        return getattr(limits, operation.limit) if operation.limit else None

    def _id(self, endpoint: str) -> str:
        """Return a name for an operation: its endpoint, counted where one view answers several."""
        name = plain = endpoint.replace(".", "_")
        count = 1
        while name in self._ids:
            count += 1
            name = f"{plain}_{count}"
        self._ids.add(name)
        return name


def _path_parameters(rule: Rule) -> list[dict[str, Any]]:
    return [
        {
            "name": found["name"],
            "in": "path",
            "required": True,
            "schema": _SEGMENT_TYPES.get(found["converter"], {"type": "string"}),
        }
        for found in _SEGMENT.finditer(rule.rule)
    ]


def _header_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [] if operation.headers is None else [{"in": "header", "schema": operation.headers}]


def _request_body(schema: type[Schema], mimetype: str) -> dict[str, Any]:
    is_required = any(field.required for field in schema().fields.values())
    return {"required": is_required, "content": {mimetype: {"schema": schema}}}


def _success(mount: Mount, operation: Operation) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase}
    if operation.status != HTTPStatus.NO_CONTENT:
        answer["content"] = {_JSON: {"schema": operation.answers}}
    if operation.gives_tokens:
        answer["description"] = TRANSPORTS[mount.settings.tokens.access_token_type]
    if may_use_cookies(mount) and (operation.gives_tokens or operation.clears_tokens):
        answer["headers"] = _set_cookie(mount, "tokens" if operation.gives_tokens else "cleared")
    return answer


def _set_cookie(mount: Mount, which: str) -> dict[str, Any]:
    return {"Set-Cookie": {"$ref": f"#/components/headers/{mount.contract.name}.{which}"}}


def _schema_name(schema: type[Schema] | Schema | str) -> str:
    """Name a schema after its contract, since each has a LoginRequest of its own."""
    kind = schema if isinstance(schema, type) else type(schema)
    package = kind.__module__.split(".")
    return f"{package[2]}.{kind.__name__}" if package[:2] == ["app", "contracts"] else kind.__name__
