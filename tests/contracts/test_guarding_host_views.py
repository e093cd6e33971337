"""A host application guards its own views with `@signed_in`, for tokens in the header as for cookies."""

from datetime import timedelta

import pytest
from flask import Flask, jsonify
from werkzeug.test import TestResponse

from app import csrf_token, signed_in, visitor
from app.extensions import db
from app.primitives.clock import FrozenClock
from tests.clients import ORIGIN, AuthClient
from tests.conftest import AppFor
from tests.contracts.devices import Dialect
from tests.engine.statements import recorded_statements
from tests.rows import change_user, event_kinds, session_row

by_header = pytest.mark.parametrize("transport", ["header"], indirect=True)
EXPIRED = timedelta(hours=2)


def guarding(app: Flask) -> Flask:
    @app.route("/orders", methods=["GET", "POST"])
    @signed_in
    def orders():
        found = visitor()
        return jsonify(owner=str(found.person.uuid), session=str(found.session.id))

    return app


class ChoosingClient(AuthClient):
    """Says with each request how its tokens travel."""

    def headers(self) -> dict[str, str]:
        return super().headers() | {"X-Access-Token-Type": self.transport}


@pytest.fixture
def ada(new_app_for: AppFor, transport: str) -> ChoosingClient:
    device = ChoosingClient(guarding(new_app_for(access_token_type="client")), transport)
    assert device.sign_up().status_code == 200
    return device


def assert_challenged(answer: TestResponse, error: str) -> None:
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == f"Bearer error={error}"


def test_tokens_of_every_contract_are_known(new_app_for: AppFor, dialect: Dialect):
    device = dialect.device(guarding(new_app_for(contracts=dialect.contract.name)), "header")
    device.sign_up()

    answer = device.get("/orders")

    row = session_row(device.app, device.current_access_token())
    assert (answer.status_code, answer.get_json()["session"]) == (200, str(row.id))


def test_one_view_serves_both_transports_with_one_select(ada: ChoosingClient):
    with ada.app.app_context():
        pool = db.engine
    # The first use of a token is noted.
    ada.get("/orders")
    with recorded_statements(pool) as statements:
        answer = ada.get("/orders")

    assert answer.status_code == 200
    assert len(statements) == 1


def test_logout_acts_at_once(ada: ChoosingClient):
    ada.post("/auth/logout")

    assert ada.get("/orders").status_code == 401
    assert event_kinds(ada.app)[-1] == "session:self:ended"


def test_suspension_acts_at_once(ada: ChoosingClient):
    change_user(ada.app, status="suspended")

    assert ada.get("/orders").status_code == 401


@by_header
def test_token_past_its_end_is_challenged_and_not_refreshed(ada: ChoosingClient, clock: FrozenClock):
    clock.advance(EXPIRED)

    assert_challenged(ada.get("/orders"), "invalid_token")
    assert session_row(ada.app, ada.current_access_token()).generation == 1


@by_header
def test_refresh_token_is_no_access_token(ada: ChoosingClient):
    ada.access_token = ada.refresh_token

    assert_challenged(ada.get("/orders"), "invalid_token")


@by_header
def test_unfinished_sign_in_is_challenged_for_the_rest(ada: ChoosingClient):
    change_user(ada.app, must_change_password=True)

    assert_challenged(ada.get("/orders"), "insufficient_user_authentication")


@pytest.mark.parametrize("transport", ["cookie"], indirect=True)
def test_bad_token_in_the_header_is_not_made_good_by_cookies(ada: ChoosingClient):
    answer = ada.get("/orders", headers={"Authorization": "Bearer garbage"})

    assert_challenged(answer, "invalid_token")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("transport", ["cookie"], indirect=True)
def test_another_scheme_in_the_header_leaves_it_to_the_cookies(ada: ChoosingClient):
    assert ada.get("/orders", headers={"Authorization": "Basic YTpi"}).status_code == 200


@by_header
def test_header_counts_for_nothing_where_tokens_travel_in_cookies(new_app_for: AppFor, ada: ChoosingClient):
    elsewhere = AuthClient(guarding(new_app_for(access_token_type="cookie")), "header")
    elsewhere.hold(access_token=ada.access_token)

    answer = elsewhere.get("/orders")

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_request_of_another_site_is_refused_by_cookie_and_not_by_header(ada: ChoosingClient):
    answer = ada.post("/orders", headers={"Origin": "https://elsewhere.example"})

    assert answer.status_code == (200 if ada.transport == "header" else 403)


@pytest.mark.parametrize(
    ("headers", "status", "challenge"),
    [
        ({"Accept": "text/html"}, 303, None),
        ({"Sec-Fetch-Mode": "navigate"}, 303, None),
        ({"Sec-Fetch-Mode": "cors", "Accept": "text/html"}, 401, "Bearer"),
        ({"Accept": "*/*"}, 401, "Bearer"),
        ({"Authorization": "Basic YTpi"}, 401, "Bearer"),
        ({}, 401, "Bearer"),
    ],
)
@pytest.mark.parametrize("access_token_type", ["header", "cookie", "client"])
def test_navigation_is_led_to_the_sign_in_and_everything_else_told(
    new_app_for: AppFor, access_token_type: str, headers, status: int, challenge: str | None
):
    app = guarding(new_app_for(access_token_type=access_token_type))

    answer = app.test_client().get("/orders", base_url=ORIGIN, headers=headers)

    assert (answer.status_code, answer.headers.get("WWW-Authenticate")) == (status, challenge)


@by_header
def test_session_that_cannot_be_read_now_is_no_refusal(new_app_for: AppFor, ada: ChoosingClient):
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:9/nothing"
    elsewhere = AuthClient(guarding(new_app_for(access_token_type="client", database_url=nowhere)), "header")
    elsewhere.hold(access_token=ada.access_token)

    answer = elsewhere.get("/orders")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_stranger_to_any_contract_is_asked_for_a_token(new_app_for: AppFor, dialect: Dialect):
    app = guarding(new_app_for(contracts=dialect.contract.name))

    answer = app.test_client().get("/orders", base_url=ORIGIN)

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("other", [{}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}])
def test_contracts_without_pages_ask_for_a_token_and_lead_nowhere(new_app_for: AppFor, other):
    app = guarding(new_app_for(contracts="entryguard", access_token_type="header"))

    answer = app.test_client().get("/orders", base_url=ORIGIN, headers={"Accept": "text/html", **other})

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(("access_token_type", "double_submit"), [("header", "false"), ("cookie", "true")])
def test_form_brings_nothing_back_where_no_browser_has_a_session(
    new_app_for: AppFor, access_token_type: str, double_submit: str
):
    mode = {"access_token_type": access_token_type, "csrf_double_submit": double_submit}
    app = new_app_for(contracts="entryguard", **mode)
    app.add_url_rule("/form", "form", lambda: f"[{csrf_token()}]")

    answer = app.test_client().get("/form", base_url=ORIGIN)

    assert (answer.status_code, answer.text) == (200, "[]")
