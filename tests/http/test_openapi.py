"""The description says what is served: every route, every answer, and nothing that cannot happen."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate

from app import contracts, create_app
from app.engine.errors import SecondFactorRequired
from app.http.errors import nearest
from app.http.openapi import VERSION, build_document
from app.http.operations import Access, Operation, declared_operation
from app.http.runtime import Mount, runtime
from config import resolve_settings

KEY = "k7Qm2xVb9LpZr4TnWc6JdHs1YfGu8EaX3oNi5R0q"
SETUP = Path(__file__).parents[2] / "setup.cfg"
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
        assert ("MUST_CHANGE_PASSWORD" in codes(document, described, 403)) == (
            operation.access is Access.FULL
        )


def test_signature_check_lists_no_refusal_that_takes_the_session_to_see(tmp_path):
    document = description(build(tmp_path, ACCESS_TOKEN_CHECK="signature"))
    refusals = codes(document, document["paths"]["/auth/user"]["get"], 401)
    # That the second factor is still due is in the access token itself.
    assert refusals == {"NO_AUTH_PROVIDED", "INVALID_TOKEN", "MFA_REQUIRED"}


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


@pytest.mark.parametrize(
    ("transport", "kinds"),
    [("header", {"http"}), ("cookie", {"apiKey"}), ("client", {"http", "apiKey"})],
)
def test_security_schemes_follow_the_transport(tmp_path, contract, transport, kinds):
    document = description(build(tmp_path, CONTRACTS=contract, ACCESS_TOKEN_TYPE=transport))
    assert {scheme["type"] for scheme in document["components"]["securitySchemes"].values()} == kinds


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_cookies_are_described_only_where_they_can_occur(tmp_path, transport):
    app = build(tmp_path, ACCESS_TOKEN_TYPE=transport)
    for described, operation, _ in declared(app):
        success = described["responses"][str(operation.status)]
        expected = operation.gives_tokens and transport != "header"
        assert ("Set-Cookie" in success.get("headers", {})) == expected
    assert ("accessToken`" in json.dumps(description(app))) == (transport != "header")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_cross_site_refusal_is_described_only_for_unsafe_requests_by_cookie(tmp_path, transport):
    document = description(build(tmp_path, ACCESS_TOKEN_TYPE=transport))
    for path, method, operation in operations(document):
        expected = transport != "header" and method != "GET" and path not in SERVICE
        assert ("CSRF_ORIGIN_REJECTED" in codes(document, operation, 403)) == expected, (method, path)


def test_cookie_scheme_has_the_prefixed_name(tmp_path):
    document = description(
        build(tmp_path, ACCESS_TOKEN_TYPE="cookie", COOKIE_PREFIX="host", COOKIE_SECURE="true")
    )
    assert document["components"]["securitySchemes"]["nest_auth.cookie"]["name"] == "__Host-accessToken"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_choosing_the_transport_is_offered_only_where_it_is_left_to_the_request(tmp_path, transport):
    for described, _, _ in declared(build(tmp_path, ACCESS_TOKEN_TYPE=transport)):
        names = {parameter["name"] for parameter in described["parameters"]}
        assert ("X-Access-Token-Type" in names) == (transport == "client")


def test_double_submit_header_is_described_where_it_is_demanded(tmp_path):
    document = description(build(tmp_path, ACCESS_TOKEN_TYPE="cookie", CSRF_DOUBLE_SUBMIT="true"))
    change = document["paths"]["/auth/change-password"]["post"]
    assert "X-CSRF-Token" in {parameter["name"] for parameter in change["parameters"]}
    assert "CSRF_TOKEN_INVALID" in codes(document, change, 403)
    assert document["paths"]["/auth/me"]["get"].get("parameters", []) == []


ATTEMPTS = [
    {},
    {"json": {}},
    {"data": "a=b", "content_type": "application/x-www-form-urlencoded"},
    {"data": "{", "content_type": "application/json"},
    {"headers": {"Authorization": "Bearer nonsense"}},
    {"headers": {"Cookie": "accessToken=a; accessToken=b; refreshToken=a; refreshToken=b"}},
    {"headers": {"Origin": "https://evil.example", "Cookie": "accessToken=a"}},
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
