"""The description says what is served: every route, every answer, and nothing that cannot happen."""

import base64
import hashlib
import re
from configparser import ConfigParser
from pathlib import Path

import pytest
from flask import Flask
from openapi_spec_validator import validate

from app import contracts
from app.engine.errors import PasswordChangeRequired, SecondFactorRequired
from app.http.errors import nearest
from app.http.openapi import VERSION
from app.http.operations import Access
from tests.http.description import (
    SERVICE,
    TRANSPORTS,
    build,
    codes,
    declared,
    description,
    operations,
    served,
)

SETUP = Path(__file__).parents[2] / "setup.cfg"


@pytest.fixture
def app(tmp_path) -> Flask:
    return build(tmp_path)


@pytest.fixture(params=sorted(contracts.discover()))
def contract(request) -> str:
    return request.param


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_document_is_valid_openapi(tmp_path, contract, transport):
    document = description(build(tmp_path, CONTRACTS=contract, ACCESS_TOKEN_TYPE=transport))
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_all_contracts_together_have_one_valid_document(tmp_path):
    chosen = ",".join(f"{name}@/{name}" for name in contracts.discover())
    document = description(build(tmp_path, CONTRACTS=chosen))
    validate(document)
    assert {tag["name"] for tag in document["tags"]} == {*contracts.discover(), "service"}


def test_document_lists_exactly_what_is_mounted(tmp_path, contract):
    app = build(tmp_path, CONTRACTS=contract)
    owned = {(path, method) for path, method, endpoint in served(app) if endpoint.startswith(f"{contract}.")}
    listed = {(path, method) for path, method, _ in operations(description(app))}
    assert listed == owned | {(path, "GET") for path in SERVICE}


def test_paths_carry_the_prefix_they_are_mounted_under(tmp_path):
    document = description(build(tmp_path, CONTRACTS="nest_auth@/sign-in"))
    assert "/sign-in/login" in document["paths"]
    assert "/auth/login" not in document["paths"]


def test_operation_ids_are_unique(tmp_path, contract):
    document = description(build(tmp_path, CONTRACTS=contract))
    found = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(found) == len(set(found))


def test_every_operation_has_a_summary_and_answers_of_both_kinds(tmp_path, contract):
    for path, method, operation in operations(description(build(tmp_path, CONTRACTS=contract))):
        statuses = {int(status) for status in operation["responses"]}
        assert operation["summary"], (method, path)
        assert any(status < 300 for status in statuses), (method, path)
        assert 500 in statuses, (method, path)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_declared_refusal_is_listed_with_its_public_code(tmp_path, contract, transport):
    app = build(tmp_path, CONTRACTS=contract, ACCESS_TOKEN_TYPE=transport)
    document = description(app)
    for described, operation, mount in declared(app):
        for error in (kind for kind in operation.refuses if isinstance(kind, type)):
            answer = nearest(error, operation.errors) or mount.errors[error]
            code = error.code if answer.code is None else answer.code
            assert code in codes(document, described, answer.status), (described["operationId"], error)


def test_guarded_operations_list_what_the_guard_refuses(app):
    document = description(app)
    for described, operation, _ in declared(app):
        guarded = operation.access is not Access.PUBLIC
        refusals = codes(document, described, 401)
        assert ({"NO_AUTH_PROVIDED", "INVALID_TOKEN", "SESSION_NOT_FOUND"} <= refusals) == guarded
        demanding = {Access.OPTIONAL, Access.SIGNED_IN, Access.FULL}
        asked_again = SecondFactorRequired in operation.refuses
        assert ("MFA_REQUIRED" in refusals) == (operation.access in demanding or asked_again)
        first = operation.access is Access.FULL or PasswordChangeRequired in operation.refuses
        assert ("MUST_CHANGE_PASSWORD" in codes(document, described, 403)) == first


def test_signature_check_lists_the_same_refusals_since_some_tokens_have_their_session_read(tmp_path):
    document = description(build(tmp_path, ACCESS_TOKEN_CHECK="signature"))
    described = document["paths"]["/auth/user"]["get"]
    assert {"INVALID_TOKEN", "SESSION_NOT_FOUND", "MFA_REQUIRED"} <= codes(document, described, 401)
    assert "MUST_CHANGE_PASSWORD" in codes(document, described, 403)


def test_limits_and_outages_say_when_to_try_again(app):
    for described, operation, _ in declared(app):
        responses = described["responses"]
        assert "Retry-After" in responses["503"]["headers"]
        if operation.limit is not None:
            assert "Retry-After" in responses["429"]["headers"]


def test_limit_that_is_off_is_not_described(tmp_path):
    document = description(build(tmp_path, RATE_LIMIT_REFRESH="off"))
    assert "429" not in document["paths"]["/auth/refresh-token"]["post"]["responses"]


def test_bodies_bring_their_own_refusals(app):
    for described, operation, _ in declared(app):
        refused = {"400", "413", "415"} <= set(described["responses"])
        assert refused == ("requestBody" in described) == (operation.body is not None)


def test_path_parameters_have_the_type_of_the_route(app):
    (parameter,) = description(app)["paths"]["/auth/sessions/{session_id}"]["delete"]["parameters"]
    assert parameter["in"] == "path"
    assert parameter["schema"] == {"type": "string", "format": "uuid"}


ATTEMPTS = [
    {},
    {"json": {}},
    {"data": "a=b", "content_type": "application/x-www-form-urlencoded"},
    {"data": "{", "content_type": "application/json"},
    {"headers": {"Authorization": "Bearer nonsense"}},
    {"headers": {"Cookie": "accessToken=a; accessToken=b; refreshToken=a; refreshToken=b"}},
    {"headers": {"Origin": "https://evil.example", "Cookie": "accessToken=a"}},
    {"headers": {"Cookie": "refreshToken=a", "X-Access-Token-Type": "cookie"}, "json": {}},
]


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=str)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_is_answered_is_described(tmp_path, transport, attempt):
    app = build(tmp_path, ACCESS_TOKEN_TYPE=transport)
    document, client = description(app), app.test_client()
    for path, method, operation in operations(document):
        url = path.replace("{session_id}", "6f1c1f0e-7f0c-4f7e-9f0b-2b8c7a4e3d21")
        answer = client.open(url, method=method, **attempt)
        assert str(answer.status_code) in operation["responses"], (method, path, answer.text)
        described = operation["responses"][str(answer.status_code)]
        if "Set-Cookie" in answer.headers:
            assert "Set-Cookie" in described["headers"], (method, path)
        if answer.is_json and answer.status_code >= 400 and path not in SERVICE:
            assert answer.json.get("code", "") in codes(document, operation, answer.status_code), (
                method,
                path,
            )


def test_examples_are_the_bodies_that_are_sent(app):
    document = description(app)
    example = document["components"]["examples"]["nest_auth.access_token_missing"]
    assert app.test_client().get("/auth/me").json == example["value"]


def test_document_is_answered_from_memory_and_revalidated(app):
    client = app.test_client()
    first = client.get("/openapi.json")
    assert first.headers["Cache-Control"] == "no-cache"
    again = client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_two_applications_in_one_process_describe_themselves(tmp_path):
    here, there = build(tmp_path), build(tmp_path, CONTRACTS="nest_auth@/there")
    assert "/auth/login" in here.test_client().get("/openapi.json").json["paths"]
    assert "/there/login" in there.test_client().get("/openapi.json").json["paths"]


def test_version_is_that_of_the_package():
    package = ConfigParser()
    package.read(SETUP)
    assert package["metadata"]["version"] == VERSION


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_page_shows_every_operation(tmp_path, contract, transport):
    app = build(tmp_path, CONTRACTS=contract, ACCESS_TOKEN_TYPE=transport)
    page = app.test_client().get("/docs").text
    for path, method, operation in operations(description(app)):
        article = page.partition(f'<article id="{operation["operationId"]}">')[2].partition("</article>")[0]
        assert f">{method}</span>" in article
        assert path in article
        assert operation["summary"] in article.replace("&#39;", "'")


def test_page_shows_fields_limits_and_codes(app):
    page = app.test_client().get("/docs").text
    login = page.partition('<article id="nest_auth_log_in">')[2].partition("</article>")[0]
    for text in ("credentials.password", "At most 1024 characters", "INVALID_CREDENTIALS", "curl -X POST"):
        assert text in login


def test_page_has_no_script_and_fetches_nothing(app):
    page = app.test_client().get("/docs").text
    assert "<script" not in page
    assert not re.search(r"\son\w+=|\ssrc=|<link|@import|url\(|\sstyle=", page)


def test_policy_of_the_page_lets_in_its_one_style_and_nothing_else(app):
    answer = app.test_client().get("/docs")
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = answer.headers["Content-Security-Policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("transport", "carried", "token_in_body"),
    [("header", "Authorization: Bearer", True), ("cookie", "-b cookies.txt", False)],
)
def test_examples_on_the_page_carry_tokens_as_configured(tmp_path, transport, carried, token_in_body):
    page = build(tmp_path, ACCESS_TOKEN_TYPE=transport).test_client().get("/docs").text
    me, refresh = (page.partition(f'<article id="nest_auth_{name}">')[2] for name in ("me", "refresh"))
    assert carried in me.partition("</article>")[0]
    assert ("&lt;refresh token&gt;" in refresh.partition("</article>")[0]) == token_in_body
