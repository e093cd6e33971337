"""What stands on the wire and in the tables: mounted operations, refusals, cookies, stored rows."""

import re
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import uuid4

from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.extensions import db
from app.http.operations import Access, declared_operation
from app.models import Base
from tests.clients import PASSWORD, AuthClient

TOKEN_COOKIES = {"accessToken", "refreshToken"}
LOGIN_COOKIES = {*TOKEN_COOKIES, "nest_auth_remember"}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
# What a refusal may leave behind: that it happened, and how often.
_TRACES = {"security_events", "login_throttles"}
# A body of the right form for each operation that demands one; one-time codes in them are wrong.
_BODIES: dict[str, dict[str, Any]] = {
    "/auth/signup": {"email": "eve@example.test", "password": PASSWORD},
    "/auth/login": {"credentials": {"email": "ada@example.test", "password": PASSWORD}},
    "/auth/change-password": {"currentPassword": PASSWORD, "newPassword": "another horse battery"},
    "/auth/reauthenticate": {"password": PASSWORD},
    "/auth/mfa/toggle": {"enabled": False},
    "/auth/mfa/challenge": {"method": "totp"},
    "/auth/mfa/verify": {"method": "totp", "otp": "123456"},
    "/auth/mfa/verify-totp-setup": {"secret": "JBSWY3DPEHPK3PXP", "otp": "123456"},
    "/auth/mfa/verify-recovery-code": {"code": "123456"},
    "/auth/mfa/reset-totp": {"code": "123456"},
    "/auth/verify-email": {"code": "123456"},
    "/auth/verify-phone": {"code": "123456"},
}
_PATH_VALUE = re.compile(r"<(\w+:)?\w+>")


class MountedOperation(NamedTuple):
    """One endpoint as a client reaches it; a path with an id in it names nobody's session."""

    method: str
    path: str
    reads_body: bool
    is_guarded: bool

    @property
    def is_unsafe(self) -> bool:
        return self.method not in SAFE_METHODS

    @property
    def body(self) -> dict[str, Any] | None:
        """What the operation takes for a readable request."""
        return _BODIES.get(self.path, {}) if self.reads_body else None


class SetCookie(NamedTuple):
    """One `Set-Cookie` header; attribute names are in lower case."""

    value: str
    attributes: dict[str, str | None]
    size: int


def mounted_operations(app: Flask) -> list[MountedOperation]:
    """Return everything that the application's contracts declare."""
    found: list[MountedOperation] = []
    for rule in app.url_map.iter_rules():
        declared = declared_operation(app.view_functions[rule.endpoint])
        if declared is not None:
            path = _PATH_VALUE.sub(lambda value: "1" if value[1] == "int:" else str(uuid4()), rule.rule)
            guarded = declared.access is not Access.PUBLIC
            methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
            found += [MountedOperation(name, path, declared.body is not None, guarded) for name in methods]
    assert found
    return found


def send(client: AuthClient, operation: MountedOperation, **options: Any) -> TestResponse:
    """Call an operation as this client, with its token or cookies."""
    if operation.method == "GET":
        return client.get(operation.path, **options)
    if operation.method == "DELETE":
        return client.delete(operation.path, **options)
    headers = {"Authorization": f"Bearer {client.access_token}"} if client.access_token else {}
    options["headers"] = {**headers, **options.get("headers", {})}
    return client.http.open(
        operation.path, method=operation.method, base_url="https://keyturn.example", **options
    )


def assert_refused(
    response: TestResponse, status: int, code: str | None = None, message: str | None = None
) -> None:
    """Check the documented error body; without `code` there must be none."""
    body = response.get_json()
    expected = {"statusCode": status, "error": HTTPStatus(status).phrase, "message": message}
    if message is None:
        expected["message"] = body["message"]
    assert body["message"]
    assert body == (expected if code is None else {**expected, "code": code}), body
    assert response.status_code == status


def assert_is_contract_error(response: TestResponse, context: object = None) -> None:
    """Check that any refusal has the documented shape and is the client's fault."""
    assert 400 <= response.status_code < 500, (context, response.status_code, response.get_data())
    body = response.get_json()
    assert {"statusCode", "error", "message"} <= set(body) <= {"statusCode", "error", "message", "code"}
    assert body["statusCode"] == response.status_code
    assert body["error"] == HTTPStatus(response.status_code).phrase
    assert isinstance(body["message"], str)
    assert body["message"]


def body_without_tokens(client: AuthClient, response: TestResponse) -> dict[str, Any]:
    """Return the body, once the tokens have been found in it or, in cookie mode, not found."""
    body: dict[str, Any] = response.get_json()
    carried = {name: body.pop(name) for name in TOKEN_COOKIES & set(body)}
    assert set(carried) == (TOKEN_COOKIES if client.transport == "header" else set())
    return body


def set_cookies(response: TestResponse) -> dict[str, SetCookie]:
    """Return what an answer sets or deletes, by name; no name twice."""
    found: dict[str, SetCookie] = {}
    for header in response.headers.getlist("Set-Cookie"):
        pair, *rest = header.split("; ")
        name, _, value = pair.partition("=")
        attributes = {key.lower(): text or None for key, _, text in (part.partition("=") for part in rest)}
        assert name not in found
        found[name] = SetCookie(value, attributes, len(pair))
    return found


def cleared_cookies(response: TestResponse) -> set[str]:
    """Return the names of the cookies that an answer deletes."""
    return {name for name, cookie in set_cookies(response).items() if cookie.attributes.get("max-age") == "0"}


def stored_rows(app: Flask) -> dict[str, list[str]]:
    """Return every row of every table in which a refusal must leave nothing."""
    tables = [table for table in Base.metadata.sorted_tables if table.name not in _TRACES]
    with app.app_context(), db.engine.connect() as connection:
        return {table.name: sorted(map(repr, connection.execute(select(table)))) for table in tables}
