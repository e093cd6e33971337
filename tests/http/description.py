"""The description of an application, and what its declarations are, side by side."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask

from app import contracts, create_app
from app.http.openapi import build_document
from app.http.operations import Operation, declared_operation
from app.http.runtime import Mount, runtime
from config import resolve_settings

KEY = "k7Qm2xVb9LpZr4TnWc6JdHs1YfGu8EaX3oNi5R0q"
TRANSPORTS = ("header", "cookie", "client")
SERVICE = {"/healthz", "/readyz", "/openapi.json", "/docs"}

Json = dict[str, Any]


def build(folder: Path, **environ: str) -> Flask:
    names = {f"KEYTURN_{name}": text for name, text in environ.items()}
    database = f"sqlite:///{folder / 'keyturn.sqlite3'}"
    basic = {"KEYTURN_ENV": "testing", "KEYTURN_SECRET_KEY": KEY, "KEYTURN_DATABASE_URL": database}
    return create_app(resolve_settings({**basic, **names}, contracts.defaults(), folder))


def description(app: Flask) -> Json:
    with app.test_request_context():
        return json.loads(json.dumps(build_document(app, runtime())))


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def served(app: Flask) -> Iterator[tuple[str, str, str]]:
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:.*?:)?(\w+)>", r"{\1}", rule.rule)
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            yield path, method, rule.endpoint


def declared(app: Flask) -> Iterator[tuple[Json, Operation, Mount]]:
    """Pair what is described with what was declared."""
    described = {(path, method): operation for path, method, operation in operations(description(app))}
    with app.app_context():
        mounts = runtime().mounts
    for path, method, endpoint in served(app):
        operation = declared_operation(app.view_functions[endpoint])
        if operation is not None:
            yield described[path, method], operation, mounts[endpoint.partition(".")[0]]


def codes(document: Json, operation: Json, status: int) -> set[str]:
    """Return the public codes under one status of an operation."""
    content = operation["responses"].get(str(status), {}).get("content", {}).values()
    names = [
        example["$ref"].rpartition("/")[2]
        for media in content
        for example in media.get("examples", {}).values()
    ]
    return {document["components"]["examples"][name].get("x-code", "") for name in names}
