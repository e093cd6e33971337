"""Refresh: section 3 of the contract, each refusal with its answer, its row and its event."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from app.engine.engine import Engine
from app.extensions import db
from app.models import Membership
from app.primitives.clock import FrozenClock
from tests.clients import ORIGIN, AuthClient
from tests.conftest import AppFor, runtime_of
from tests.http.wire import assert_refused, body_without_tokens, cleared_cookies, set_cookies, stored_rows
from tests.rows import change_user, claims_of, event_kinds, session_row

REFRESHED = {"isRequiresMfa": False, "message": "Token refreshed successfully"}
ENDED = ("REFRESH_TOKEN_EXPIRED", "Invalid or expired refresh token")


def test_refresh_answers_with_tokens_and_the_documented_message(client: AuthClient) -> None:
    """[seed] 200: accessToken, refreshToken (header mode), isRequiresMfa (boolean), message optional;
    mfaMethods, defaultMfaMethod, trustToken optional and left out
    """
    client.sign_up()
    answer = client.refresh()

    assert answer.status_code == 200
    assert body_without_tokens(client, answer) == REFRESHED


@pytest.mark.parametrize("transport", ["header"], indirect=True)
def test_refresh_is_a_post_without_an_access_token(client: AuthClient) -> None:
    """[seed] POST /auth/refresh-token, no access token, token in the body; 200"""
    client.sign_up()
    body = {"refreshToken": client.refresh_token}

    answer = client.app.test_client().post("/auth/refresh-token", json=body)

    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert client.app.test_client().post("/auth/refresh", json=body).status_code == 404


def test_all_json_is_camel_case(client: AuthClient) -> None:
    """[seed] All JSON is camelCase"""
    answers = [
        client.sign_up(),
        client.refresh(),
        client.use(),
        client.get("/auth/sessions"),
        client.log_out(),
    ]
    names = {name for answer in answers for name in answer.get_json()}

    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name) for name in names), names


def test_header_mode_takes_the_access_token_as_bearer(app_for: AppFor) -> None:
    """[seed] Header mode is the default; `Authorization: Bearer` on calls"""
    client = AuthClient(app_for(), "header")
    client.sign_up()
    headers = {"Authorization": f"Bearer {client.access_token}"}

    assert client.another_device().get("/auth/me", headers=headers).status_code == 200


@pytest.mark.parametrize("send", [{}, {"data": b""}, {"json": {}}, {"json": {"refreshToken": None}}])
def test_refresh_without_any_token_is_refused(client: AuthClient, send: dict[str, Any]) -> None:
    refused = client.http.post("/auth/refresh-token", base_url=ORIGIN, **send)

    assert_refused(refused, 401, "REFRESH_TOKEN_INVALID", "refreshToken is required")
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert set_cookies(refused) == {}
    assert event_kinds(client.app) == []


@pytest.mark.parametrize("value", [42, True, [], {}, 1.5])
def test_refresh_token_of_another_type_is_refused(client: AuthClient, value: object) -> None:
    """[seed] refreshToken: string"""
    client.sign_up()
    before = stored_rows(client.app)

    refused = client.post("/auth/refresh-token", {"refreshToken": value})

    assert_refused(refused, 400, None, "refreshToken must be a string")
    assert set_cookies(refused) == {}
    assert stored_rows(client.app) == before


def test_access_token_is_no_refresh_token_and_ends_nothing(client: AuthClient) -> None:
    client.sign_up()
    before, seen = stored_rows(client.app), event_kinds(client.app)

    assert_refused(client.present(client.current_access_token()), 401, *ENDED)

    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen
    assert client.refresh().status_code == 200


def test_reused_token_is_refused_with_the_documented_words(client: AuthClient, clock: FrozenClock) -> None:
    client.sign_up()
    first = client.current_refresh_token()
    client.refresh()
    client.get("/auth/me")
    clock.advance(timedelta(seconds=31))

    refused = client.present(first)

    message = "Refresh token is no longer valid (rotated or replayed)"
    assert_refused(refused, 401, "REFRESH_TOKEN_INVALID", message)
    assert session_row(client.app, first).revoked_reason == "reuse"
    assert event_kinds(client.app)[-1] == "session:refresh:reused"
    assert_refused(client.refresh(), 401, None, "Session not found")


@pytest.mark.parametrize("pause", [timedelta(days=30), timedelta(days=365)])
def test_session_that_ran_out_by_itself_is_no_theft(
    client: AuthClient, clock: FrozenClock, pause: timedelta
) -> None:
    client.sign_up()
    token, seen = client.current_refresh_token(), event_kinds(client.app)
    clock.advance(pause)

    assert_refused(client.present(token), 401, *ENDED)

    assert session_row(client.app, token).revoked_at is None
    assert event_kinds(client.app) == seen


def _log_out(client: AuthClient, _engine: Engine) -> None:
    client.another_device().post("/auth/logout", {"refreshToken": client.current_refresh_token()})


def _suspend(_client: AuthClient, engine: Engine) -> None:
    engine.accounts.suspend(1)


def _delete(_client: AuthClient, engine: Engine) -> None:
    engine.accounts.delete(1)


SUSPENDED = ("ACCOUNT_INACTIVE", "Your account is suspended, please contact support")


@pytest.mark.parametrize(
    ("end", "answer", "left_behind"),
    [
        (_log_out, (None, "Session not found"), ("logout", "session:self:ended")),
        (_suspend, SUSPENDED, ("suspended", "account:self:suspended")),
        (_delete, ("USER_NOT_FOUND", "User not found"), ("deleted", "account:self:deleted")),
    ],
)
def test_session_that_was_ended_stays_ended(
    client: AuthClient,
    end: Callable[[AuthClient, Engine], None],
    answer: tuple[str | None, str],
    left_behind: tuple[str, str],
) -> None:
    client.sign_up()
    token = client.current_refresh_token()
    end(client, runtime_of(client.app).engine)

    assert_refused(client.present(token), 401, *answer)

    assert (session_row(client.app, token).revoked_reason, event_kinds(client.app)[-1]) == left_behind


def test_reinstating_a_person_revives_no_session(client: AuthClient) -> None:
    client.sign_up()
    accounts = runtime_of(client.app).engine.accounts
    accounts.suspend(1)
    accounts.reinstate(1)

    assert_refused(client.refresh(), 401, None, "Session not found")
    assert event_kinds(client.app)[-1] == "account:self:reinstated"
    assert client.log_in().status_code == 200


def _in_an_organization(client: AuthClient) -> Engine:
    engine = runtime_of(client.app).engine
    client.sign_up()
    engine.organizations.create(slug="analytical", name="Analytical Engines")
    engine.organizations.add_member("analytical", 1)
    client.log_in()
    return engine


def test_tokens_name_the_organization_as_tenant(client: AuthClient) -> None:
    organization = _in_an_organization(client).organizations.find("analytical")

    assert claims_of(client.current_access_token())["tenantId"] == str(organization.id)


def test_lost_membership_ends_the_refresh_line(client: AuthClient) -> None:
    _in_an_organization(client)
    with client.app.app_context():
        db.session.execute(delete(Membership))
        db.session.commit()
    before, seen = stored_rows(client.app), event_kinds(client.app)

    refused = client.refresh()

    assert_refused(refused, 403, "ACCESS_DENIED", "User does not belong to this tenant")
    assert stored_rows(client.app) == before
    assert event_kinds(client.app) == seen


def test_suspended_organization_ends_its_sessions(client: AuthClient) -> None:
    engine = _in_an_organization(client)
    token = client.current_refresh_token()
    engine.organizations.suspend("analytical")

    assert_refused(client.present(token), 403, "ACCESS_DENIED", "User does not belong to this tenant")
    assert session_row(client.app, token).revoked_reason == "suspended"
    assert event_kinds(client.app)[-1] == "organization:self:suspended"


def test_refresh_reads_roles_and_names_afresh(client: AuthClient) -> None:
    client.sign_up()
    runtime_of(client.app).engine.accounts.change(1, {"roles": ["editor", "reader"]})

    client.refresh()

    roles = claims_of(client.current_access_token())["roles"]
    assert [role["name"] for role in roles] == ["editor", "reader"]
    assert set(roles[0]) == {"id", "name", "guard"}


def test_authorization_header_at_refresh_is_ignored(client: AuthClient) -> None:
    """[seed] The sample call shows an Authorization header: not required, and ignored"""
    client.sign_up()
    headers = {"Authorization": "Bearer of bad news"}
    body = {"refreshToken": client.current_refresh_token()}

    answer = client.http.post("/auth/refresh-token", json=body, headers=headers, base_url=ORIGIN)

    assert answer.status_code == 200
    assert body_without_tokens(client, answer) == REFRESHED


def test_body_token_wins_over_the_cookie_and_its_refusal_clears_none(client: AuthClient) -> None:
    client.sign_up()
    before = stored_rows(client.app)

    refused = client.post("/auth/refresh-token", {"refreshToken": "not one of ours"})

    assert_refused(refused, 401, *ENDED)
    assert set_cookies(refused) == {}
    assert stored_rows(client.app) == before


@pytest.mark.parametrize("transport", ["cookie"], indirect=True)
def test_body_token_is_honoured_in_cookie_mode_so_that_clients_can_migrate(client: AuthClient) -> None:
    """[seed] Token in body or cookie"""
    client.sign_up()
    token = client.current_refresh_token()
    migrating = client.another_device()

    answer = migrating.post("/auth/refresh-token", {"refreshToken": token})

    assert body_without_tokens(migrating, answer) == REFRESHED
    assert claims_of(migrating.current_refresh_token())["sid"] == claims_of(token)["sid"]
    assert claims_of(migrating.current_refresh_token())["gen"] == 2


@pytest.mark.parametrize("transport", ["cookie"], indirect=True)
@pytest.mark.parametrize("send", [{}, {"data": b""}, {"json": {}}, {"content_type": "application/json"}])
def test_cookie_refresh_takes_an_empty_or_absent_body(client: AuthClient, send: dict[str, Any]) -> None:
    """[seed] refreshToken is optional; without it cookie mode reads the `refreshToken` cookie"""
    client.sign_up()

    answer = client.http.post("/auth/refresh-token", base_url=ORIGIN, **send)

    assert answer.get_json() == REFRESHED
    assert cleared_cookies(answer) == {"nest_auth_remember"}


@pytest.mark.parametrize("transport", ["header"], indirect=True)
def test_header_mode_reads_no_cookie_and_sets_none(client: AuthClient) -> None:
    """[seed] Header mode: tokens in the JSON body and nowhere else"""
    signed_up = client.sign_up()
    browser = client.another_device()
    for name, token in (("accessToken", client.access_token), ("refreshToken", client.refresh_token)):
        browser.http.set_cookie(name, token or "", domain="keyturn.example")

    missing, nobody = browser.post("/auth/refresh-token"), browser.get("/auth/me")

    assert_refused(missing, 401, "REFRESH_TOKEN_INVALID", "refreshToken is required")
    assert_refused(nobody, 401, "NO_AUTH_PROVIDED", "No authentication provided")
    assert browser.post("/auth/logout").status_code == 200
    answers = (signed_up, missing, nobody, client.refresh(), client.post("/auth/logout"))
    assert all(set_cookies(answer) == {} for answer in answers)


def test_refresh_keeps_saying_that_the_password_must_be_changed(client: AuthClient) -> None:
    client.sign_up()
    change_user(client.app, must_change_password=True)

    assert body_without_tokens(client, client.refresh()) == {**REFRESHED, "mustChangePassword": True}
