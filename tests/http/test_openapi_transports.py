"""The description says how tokens come and go: security schemes, cookies set and deleted, headers."""

import inspect
import json

import pytest

from app import contracts
from app.engine.errors import RefreshTokenMissing
from app.http.call import DEFINITIVE
from app.http.errors import nearest
from app.http.operations import declared_operation
from tests.http.description import SERVICE, TRANSPORTS, build, codes, declared, description, operations


@pytest.fixture(params=sorted(contracts.discover()))
def contract(request) -> str:
    return request.param


@pytest.mark.parametrize(
    ("transport", "kinds"),
    [("header", {"http"}), ("cookie", {"apiKey"}), ("client", {"http", "apiKey"})],
)
def test_security_schemes_follow_the_transport(tmp_path, contract, transport, kinds):
    document = description(build(tmp_path, CONTRACTS=contract, ACCESS_TOKEN_TYPE=transport))
    schemes = document["components"]["securitySchemes"]
    assert {schemes[name]["type"] for name in schemes.keys() - {"oauth2.client"}} == kinds


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_cookies_are_described_only_where_they_can_occur(tmp_path, transport):
    app = build(tmp_path, ACCESS_TOKEN_TYPE=transport)
    for described, operation, _ in declared(app):
        success = described["responses"][str(operation.status)]
        expected = (operation.gives_tokens or operation.clears_tokens) and transport != "header"
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


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_clients_show_who_they_are_by_basic_or_in_the_body(tmp_path, transport):
    document = description(build(tmp_path, CONTRACTS="oauth2", ACCESS_TOKEN_TYPE=transport))
    found = {path: operation.get("security") for path, _, operation in operations(document)}
    in_cookie = [] if transport == "header" else [{"oauth2.refresh_cookie": []}]
    both = [] if transport == "header" else [{"oauth2.refresh_cookie": [], "oauth2.client": []}]

    assert document["components"]["securitySchemes"]["oauth2.client"]["scheme"] == "basic"
    assert found["/oauth/revoke"] == found["/oauth/introspect"] == [{}, {"oauth2.client": []}]
    assert found["/oauth/token"] == [{}, {"oauth2.client": []}, *in_cookie, *both]
    assert found["/.well-known/oauth-authorization-server"] == []


def test_no_other_contract_knows_clients(tmp_path, contract):
    schemes = description(build(tmp_path, CONTRACTS=contract))["components"]["securitySchemes"]
    assert (f"{contract}.client" in schemes) == (contract == "oauth2")


def test_whatever_signs_out_says_that_its_cookies_go(tmp_path, contract):
    app = build(tmp_path, CONTRACTS=contract, ACCESS_TOKEN_TYPE="cookie")
    views = {view: declared_operation(view) for view in app.view_functions.values()}
    for view, operation in views.items():
        signs_out = "signed_out_answer(" in inspect.getsource(inspect.unwrap(view))
        assert (operation is not None and operation.clears_tokens) == signs_out, view


def test_refused_refresh_says_that_its_cookies_go(tmp_path, contract):
    app = build(tmp_path, CONTRACTS=contract, ACCESS_TOKEN_TYPE="cookie")
    cleared = {"$ref": f"#/components/headers/{contract}.cleared"}
    for described, operation, mount in declared(app):
        for status, answer in described["responses"].items():
            definitive = RefreshTokenMissing in operation.refuses and any(
                (nearest(kind, operation.errors) or mount.errors[kind]).status == int(status)
                for kind in operation.refuses
                if isinstance(kind, type) and issubclass(kind, DEFINITIVE)
            )
            if definitive:
                assert answer["headers"]["Set-Cookie"] == cleared, described["operationId"]
            elif int(status) >= 400:
                assert "Set-Cookie" not in answer.get("headers", {}), described["operationId"]
