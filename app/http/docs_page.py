"""The OpenAPI document as a page for people: no scripts, nothing fetched from anywhere."""

import base64
import hashlib
import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from flask import render_template
from markupsafe import Markup, escape

_STYLE = Path(__file__).with_name("templates") / "docs.css"
_CALLERS = {
    "public": "Anybody",
    "optional": "Anybody; an access token that comes along must be good",
    "partial": "Access token, the second factor may be due",
    "signed_in": "Access token, another password may be due",
    "full": "Access token, fully signed in",
}
# What a sample request says in the fields that nearly every body has.
_SAMPLES = {
    "email": "ada@example.com",
    "username": "ada",
    "password": "correct horse battery staple",
    "currentpassword": "correct horse battery staple",
    "newpassword": "an even longer horse battery",
}
# The same for tokens, where they travel in bodies.
_TOKENS = {"refreshtoken": "<refresh token>", "accesstoken": "<access token>"}
_SAMPLES_BY_TYPE: dict[str, Any] = {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}
_BOUNDS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "pattern": "matches {}",
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedPage:
    """The page and the Content-Security-Policy that lets its one style in, and nothing else."""

    html: str
    policy: str


class Field(NamedTuple):
    """One row of a table of fields; `name` is dotted for a field inside another."""

    name: str
    kind: str
    required: bool
    notes: str


class Answer(NamedTuple):
    """What one status means: the fields of a success, or the codes of a refusal."""

    status: str
    phrase: str
    description: str
    fields: list[Field]
    reasons: list[tuple[str | None, str]]
    headers: list[str]


class Entry(NamedTuple):
    """One operation."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    callers: str
    parameters: list[Field]
    body: list[Field]
    curl: str
    answers: list[Answer]


class Section(NamedTuple):
    """The operations of one contract."""

    name: str
    description: str
    entries: list[Entry]


def render(document: Json) -> RenderedPage:
    """Return the page for an OpenAPI document of this service."""
    style = _STYLE.read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    html = render_template(
        "docs.html",
        info=document["info"],
        server=document["servers"][0]["url"],
        sections=_sections(document),
        style=Markup(style),  # noqa: S704 - our own file, and escaping would change what was hashed
        marked=_marked,
    )
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return RenderedPage(html=html, policy=policy)


def _sections(document: Json) -> list[Section]:
    found = {tag["name"]: Section(tag["name"], tag["description"], []) for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            entry = _entry(method.upper(), path, operation, document)
            found[operation["tags"][0]].entries.append(entry)
    return list(found.values())


def _entry(method: str, path: str, operation: Json, document: Json) -> Entry:
    body = _body_schema(operation)
    return Entry(
        anchor=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        description=operation["description"].partition("\n\n")[0],
        callers=_CALLERS[operation["x-access"]],
        parameters=[_parameter(parameter) for parameter in operation.get("parameters", ())],
        body=list(_fields(body, document)),
        curl=_curl(method, path, operation, document),
        answers=[
            _answer(status, answer, document) for status, answer in sorted(operation["responses"].items())
        ],
    )


def _body_schema(described: Json, key: str = "requestBody") -> Json:
    """Return the schema of the one media type there is, or an empty one."""
    content: Json = described.get(key, {}).get("content", {})
    schema: Json = next((media["schema"] for media in content.values()), {})
    return schema


def _resolved(node: Json, document: Json) -> Json:
    """Follow a reference within the document."""
    while "$ref" in node:
        found: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def _fields(schema: Json, document: Json, prefix: str = "") -> Iterator[Field]:
    """Yield the fields of an object, those of objects and lists inside it right after them."""
    schema = _resolved(schema, document)
    for name, node in schema.get("properties", {}).items():
        inner = _resolved(node, document)
        yield Field(
            prefix + name, _kind(inner, document), name in schema.get("required", ()), _notes(node, inner)
        )
        items = _resolved(inner.get("items", {}), document)
        nested, suffix = (items, "[].") if items else (inner, ".")
        yield from _fields(nested, document, prefix + name + suffix)


def _parameter(parameter: Json) -> Field:
    schema = parameter["schema"]
    kind = f"{_kind(schema, {})}, in the {parameter['in']}"
    return Field(parameter["name"], kind, parameter.get("required", False), _notes(parameter, schema))


def _kind(schema: Json, document: Json) -> str:
    """Return the type as one says it, such as `uuid`, `string or null`, `list of string`."""
    declared = schema.get("type", "any")
    kinds = [kind for kind in ([declared] if isinstance(declared, str) else declared) if kind != "null"]
    kind = schema.get("format") or " or ".join(kinds)
    if "items" in schema:
        kind = f"list of {_kind(_resolved(schema['items'], document), document)}"
    return f"{kind} or null" if isinstance(declared, list) and "null" in declared else kind


def _notes(node: Json, schema: Json) -> str:
    """Return what else there is to say of a field: its meaning, its limits, its default."""
    notes = [text.format(schema[bound]) for bound, text in _BOUNDS.items() if bound in schema]
    if "enum" in schema:
        notes.append("one of " + ", ".join(f"`{_literal(choice)}`" for choice in schema["enum"]))
    if schema.get("default") is not None:
        notes.append(f"default `{_literal(schema['default'])}`")
    limits = "; ".join(notes)
    meaning = node.get("description", "")
    return " ".join(filter(None, (meaning, limits[:1].upper() + limits[1:])))


def _literal(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _answer(status: str, answer: Json, document: Json) -> Answer:
    phrase = HTTPStatus(int(status)).phrase
    media: Json = next(iter(answer.get("content", {}).values()), {})
    examples = [_resolved(example, document) for example in media.get("examples", {}).values()]
    reasons = [(example.get("x-code"), example["summary"]) for example in examples]
    headers = {name: _resolved(header, document) for name, header in answer.get("headers", {}).items()}
    return Answer(
        status=status,
        phrase=phrase,
        description=answer["description"].removeprefix(phrase).removeprefix(": "),
        fields=[] if examples else list(_fields(media.get("schema", {}), document)),
        reasons=[reason for reason in reasons if reason != (None, phrase)],
        headers=[f"`{name}`: {header['description']}" for name, header in headers.items()],
    )


def _curl(method: str, path: str, operation: Json, document: Json) -> str:
    """Return a command to paste; only what stands in angle brackets is left to fill in."""
    url = document["servers"][0]["url"] + path.replace("{", "<").replace("}", ">")
    verb = "" if method == "GET" else f"-X {method} "
    parts = [f"curl {verb}{shlex.quote(url)}"]
    by_cookie = _travels_by_cookie_alone(operation, document)
    if by_cookie:
        parts.append("-b cookies.txt -c cookies.txt")
    elif any(name.endswith(".bearer") for choice in operation.get("security", ()) for name in choice):
        parts.append("-H 'Authorization: Bearer <access token>'")
    if "requestBody" in operation:
        sample = _sample(_body_schema(operation), document, _SAMPLES if by_cookie else _SAMPLES | _TOKENS)
        parts += _sent(sample, next(iter(operation["requestBody"]["content"])))
    return " \\\n  ".join(parts)


def _sent(sample: Json, mimetype: str) -> list[str]:
    """Return the options that send a body; curl calls a form by its type of its own accord."""
    if mimetype == "application/json":
        return ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(sample))}"]
    return [f"--data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in sample.items()]


def _travels_by_cookie_alone(operation: Json, document: Json) -> bool:
    schemes = document["components"].get("securitySchemes", {})
    contract = operation["tags"][0]
    return f"{contract}.cookie" in schemes and f"{contract}.bearer" not in schemes


def _sample(schema: Json, document: Json, known: dict[str, str]) -> Any:
    """Return a body with every field that is required or well known."""
    schema = _resolved(schema, document)
    value: Json = {}
    for name, node in schema.get("properties", {}).items():
        word = name.lower().replace("_", "")
        if word in known:
            value[name] = known[word]
        elif name in schema.get("required", ()):
            value[name] = _sample_value(name, _resolved(node, document), document, known)
    return value


def _sample_value(name: str, schema: Json, document: Json, known: dict[str, str]) -> Any:
    if "properties" in schema:
        return _sample(schema, document, known)
    if "enum" in schema:
        return schema["enum"][0]
    return _SAMPLES_BY_TYPE.get(str(schema.get("type")), f"<{name}>")


def _marked(text: str) -> Markup:
    """Turn the backticks of a description into code elements."""
    parts = (escape(part) for part in text.split("`"))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if odd % 2 else part for odd, part in enumerate(parts)
    )
