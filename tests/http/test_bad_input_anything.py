"""Arbitrary JSON and arbitrary headers at every operation: whatever comes, the service does not fail."""

import json
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from app.contracts import discover
from tests.clients import ORIGIN
from tests.conftest import AppFor
from tests.http.wire import mounted_operations

FIELDS = (
    *("email", "phone", "password", "name", "providerName", "credentials", "rememberMe"),
    *("refreshToken", "currentPassword", "newPassword", "username", "grant_type", "token", "refresh_token"),
)
HEADERS = (
    *("Authorization", "Cookie", "Origin", "Sec-Fetch-Site", "X-CSRF-Token", "X-Access-Token-Type"),
    *("X-Device-Name", "User-Agent", "X-Forwarded-For", "Content-Type", "Accept", "Host"),
)
text = st.text(st.characters(), max_size=40)
scalar = st.none() | st.booleans() | st.integers() | st.floats() | text
value = st.recursive(
    scalar, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=5
)
named = st.dictionaries(st.sampled_from(FIELDS), value, max_size=4)
body = value | named | st.builds(lambda inner, outer: {**outer, "credentials": inner}, named, named)
header_text = st.text(
    st.characters(min_codepoint=1, max_codepoint=255, exclude_characters="\r\n"), max_size=40
)
token_like = header_text | st.sampled_from(
    ["Bearer e30.e30.e30", "accessToken=x; accessToken=y", "refreshToken=e30.e30.", "null", "cross-site"]
)
headers = st.dictionaries(st.sampled_from(HEADERS), token_like, max_size=4)
without_limits = settings(max_examples=60)


@pytest.fixture(params=sorted(discover()))
def app(app_for: AppFor, request: pytest.FixtureRequest, transport: str) -> Flask:
    """Each contract by itself, by each transport."""
    return app_for(contracts=request.param, access_token_type=transport)


@without_limits
@given(body=body)
def test_no_json_makes_an_operation_fail(app: Flask, body: Any) -> None:
    client = app.test_client()
    for operation in mounted_operations(app):
        answer = client.open(operation.path, method=operation.method, json=body, base_url=ORIGIN)
        assert answer.status_code < 500, (operation, answer.get_data())


@without_limits
@given(headers=headers)
def test_no_header_makes_an_operation_fail(app: Flask, headers: dict[str, str]) -> None:
    browser = app.test_client(use_cookies=False)
    host = headers.pop("Host", "keyturn.example")
    content = {"data": json.dumps({"refreshToken": "x"})} if "Content-Type" in headers else {}

    for operation in mounted_operations(app):
        answer = browser.open(
            operation.path,
            method=operation.method,
            headers=headers,
            base_url=ORIGIN,
            environ_overrides={"HTTP_HOST": host},
            **content,
        )
        assert answer.status_code < 500, (operation, answer.get_data())
