"""Headers that every answer carries, and which pages of other origins may read answers."""

import pytest
from flask import Blueprint, Flask, Response
from werkzeug.test import TestResponse

from tests.clients import ORIGIN, PASSWORD, AuthClient
from tests.conftest import AppFor
from tests.http.wire import assert_refused, mounted_operations, send

PARTNER = "https://shop.example"
ALWAYS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def _fail() -> str:
    raise RuntimeError("the cellar is flooded")


def _with_failing_route(app: Flask) -> Flask:
    failing = Blueprint("failing", __name__)
    failing.add_url_rule("/auth/failing", view_func=_fail)
    app.register_blueprint(failing)
    return app


@pytest.fixture
def client(new_app_for: AppFor, transport: str) -> AuthClient:
    app = new_app_for(access_token_type=transport, allowed_origins=f"{ORIGIN},{PARTNER}")
    return AuthClient(_with_failing_route(app), transport)


def _assert_guarded(answer: TestResponse) -> None:
    for name, value in ALWAYS.items():
        assert answer.headers.getlist(name) == [value], name
    assert {"Origin", "Cookie"} <= {part.strip() for part in answer.headers["Vary"].split(",")}
    assert "Werkzeug" not in answer.headers.get("Server", "")
    assert "X-Powered-By" not in answer.headers


def test_every_kind_of_answer_carries_them(client: AuthClient) -> None:
    answers = {
        200: client.sign_up(),
        400: client.post("/auth/login", {}),
        401: client.another_device().get("/auth/me"),
        404: client.get("/auth/nowhere"),
        405: client.get("/auth/login"),
        413: client.post("/auth/login", {"padding": "x" * 70_000}),
        415: client.http.post("/auth/login", data="hello", base_url=ORIGIN),
        500: client.get("/auth/failing"),
    }

    for status, answer in answers.items():
        assert answer.status_code == status
        _assert_guarded(answer)
        if status not in {200, 401}:
            assert_refused(answer, status)


def test_every_operation_carries_them(client: AuthClient) -> None:
    client.sign_up()
    for operation in mounted_operations(client.app):
        _assert_guarded(send(client, operation))


@pytest.mark.parametrize("named", [["Cookie"], ["Accept-Language", "Cookie"], ["origin"]])
def test_answer_that_is_said_to_depend_on_something_depends_on_the_origin_too(new_app_for: AppFor, named):
    app = new_app_for(allowed_origins=f"{ORIGIN},{PARTNER}")

    @app.after_request
    def vary(response: Response) -> Response:
        for name in named:
            response.headers.add("Vary", name)
        return response

    for headers in ({}, {"Origin": PARTNER}):
        answer = app.test_client().get("/auth/client-config", base_url=ORIGIN, headers=headers)

        [given] = answer.headers.getlist("Vary")
        assert {part.lower() for part in given.split(", ")} == {"origin", *(name.lower() for name in named)}


def test_method_that_is_not_allowed_is_answered_with_those_that_are(client: AuthClient) -> None:
    refused = client.get("/auth/login")

    assert_refused(refused, 405, None, "Method Not Allowed")
    assert {"POST", "OPTIONS"} == {method.strip() for method in refused.headers["Allow"].split(",")}


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "PUT", "get"])
def test_unusual_methods_reach_no_operation(client: AuthClient, method: str) -> None:
    answer = client.http.open("/auth/login", method=method, base_url=ORIGIN)

    assert answer.status_code == 405
    _assert_guarded(answer)


@pytest.mark.parametrize("path", ["/", "/nowhere", "/authority", "/.git/config"])
def test_path_outside_every_contract_is_answered_with_problem_details(client: AuthClient, path: str) -> None:
    answer = client.get(path)

    assert answer.content_type == "application/problem+json"
    assert answer.get_json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "Not Found",
    }
    _assert_guarded(answer)


@pytest.mark.parametrize("path", ["/auth//login", "//auth/login", "/auth/login/", "/auth/%2e%2e/auth/login"])
def test_other_spellings_of_a_path_log_nobody_in(client: AuthClient, path: str) -> None:
    client.sign_up()
    credentials = {"email": "ada@example.test", "password": PASSWORD}

    answer = client.http.post(path, json={"credentials": credentials}, base_url=ORIGIN)

    assert answer.status_code in {404, 308}
    assert "accessToken" not in answer.get_data(as_text=True)
    assert "Set-Cookie" not in answer.headers


def test_plain_http_deployment_promises_no_tls(app_for: AppFor) -> None:
    client = AuthClient(app_for(public_url="http://127.0.0.1:8000"), "header")

    assert "Strict-Transport-Security" not in client.get("/auth/client-config").headers


@pytest.mark.parametrize("origin", [ORIGIN, PARTNER])
def test_configured_origin_may_read_answers_with_credentials(client: AuthClient, origin: str) -> None:
    for path in ("/auth/client-config", "/auth/me", "/auth/nowhere"):
        answer = client.get(path, headers={"Origin": origin})
        assert answer.headers.getlist("Access-Control-Allow-Origin") == [origin]
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]


def test_nobody_else_may(client: AuthClient, subtests: pytest.Subtests) -> None:
    near = (f"{ORIGIN}.evil.example", "https://sub.shop.example", "http://shop.example", f"{PARTNER}/")
    for origin in (None, "https://evil.example", "null", "", "*", *near):
        headers = {} if origin is None else {"Origin": origin}
        for method in ("GET", "OPTIONS"):
            with subtests.test(f"{method} from {origin}"):
                headers["Access-Control-Request-Method"] = "POST"
                answer = client.http.open(
                    "/auth/client-config", method=method, headers=headers, base_url=ORIGIN
                )
                assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]
                assert "Origin" in answer.headers["Vary"]


def test_preflight_of_a_configured_origin_names_what_is_allowed(client: AuthClient) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for operation in mounted_operations(client.app):
        answer = client.http.options(operation.path, headers={"Origin": PARTNER, **asked}, base_url=ORIGIN)
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == PARTNER
        assert operation.method in answer.headers["Access-Control-Allow-Methods"]
        allowed = answer.headers["Access-Control-Allow-Headers"].casefold()
        assert {"authorization", "content-type", "x-csrf-token", "x-access-token-type"} <= set(
            allowed.split(", ")
        )
        assert int(answer.headers["Access-Control-Max-Age"]) <= 7200


def test_reading_by_head_changes_nothing_and_says_nothing(client: AuthClient) -> None:
    client.sign_up()
    headers = {"Authorization": f"Bearer {client.access_token}"} if client.access_token else {}

    answer = client.http.head("/auth/me", headers=headers, base_url=ORIGIN)

    assert (answer.status_code, answer.get_data()) == (200, b"")
    _assert_guarded(answer)


@pytest.mark.parametrize(
    ("contract", "login"), [("entryguard", "/api/v1/auth/login"), ("falcon_alert", "/auth/login")]
)
def test_pages_of_another_origin_may_use_contracts_without_cookies(
    app_for: AppFor, contract: str, login: str
) -> None:
    asking = {
        "Origin": PARTNER,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    http = app_for(contracts=contract, allowed_origins=PARTNER).test_client()

    answer = http.options(login, headers=asking, base_url=ORIGIN)

    assert answer.headers["Access-Control-Allow-Origin"] == PARTNER
    assert {"Authorization", "Content-Type"} <= set(
        answer.headers["Access-Control-Allow-Headers"].split(", ")
    )
