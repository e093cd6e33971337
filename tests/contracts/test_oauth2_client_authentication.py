"""oauth2: how applications say which one they are, and what comes of it when they do not."""

import base64
import hashlib
from typing import Any

import pytest
from sqlalchemy import event, select

from app.engine.errors import InvalidClient
from app.extensions import db
from app.models import OAuthClient
from tests.conftest import AppFor, runtime_of
from tests.contracts.oauth2_client import CONFIDENTIAL, INVALID_CLIENT, PUBLIC, OAuth2Client, basic
from tests.http.wire import stored_rows

ENDPOINTS = {
    "/oauth/token": {"grant_type": "refresh_token", "refresh_token": "x"},
    "/oauth/revoke": {"token": "x"},
    "/oauth/introspect": {"token": "x"},
}


@pytest.fixture
def device(app_for: AppFor) -> OAuth2Client:
    return OAuth2Client(app_for(contracts="oauth2"), "header")


@pytest.fixture(params=ENDPOINTS)
def path(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def _header(text: str) -> dict[str, str]:
    return {"Authorization": text}


def _encoded(text: str | bytes) -> dict[str, str]:
    raw = text if isinstance(text, bytes) else text.encode()
    return _header(f"Basic {base64.b64encode(raw).decode()}")


def _is_let_in(answer: Any) -> bool:
    return answer.get_json().get("error") in {None, "invalid_grant"}


def test_confidential_application_may_use_the_header(device: OAuth2Client, path: str) -> None:
    """[docs] RFC 6749 2.3.1: HTTP Basic."""
    assert _is_let_in(device.post_plain(path, ENDPOINTS[path], basic(CONFIDENTIAL, device.secret)))


def test_confidential_application_may_use_the_body(device: OAuth2Client, path: str) -> None:
    """[docs] RFC 6749 2.3.1: client_id and client_secret in the body."""
    form = {**ENDPOINTS[path], "client_id": CONFIDENTIAL, "client_secret": device.secret}
    assert _is_let_in(device.post_plain(path, form))


def test_header_is_decoded_as_a_form(device: OAuth2Client, path: str) -> None:
    """[docs] RFC 6749 2.3.1: both parts are form-urlencoded."""
    letters = "".join(f"%{ord(letter):02X}" for letter in device.secret)
    assert _is_let_in(device.post_plain(path, ENDPOINTS[path], _encoded(f"%77eb:{letters}")))


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
@pytest.mark.parametrize("headers", [None, basic(PUBLIC, "")], ids=["body", "header"])
def test_public_application_has_nothing_to_prove(
    device: OAuth2Client, path: str, headers: dict[str, str] | None
) -> None:
    form = ENDPOINTS[path] if headers else {**ENDPOINTS[path], "client_id": PUBLIC}
    assert _is_let_in(device.post_plain(path, form, headers))


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        (None, {}),
        (None, {"client_id": "nobody"}),
        (None, {"client_id": "nobody", "client_secret": "x"}),
        (None, {"client_id": CONFIDENTIAL}),
        (None, {"client_id": CONFIDENTIAL, "client_secret": ""}),
        (None, {"client_id": CONFIDENTIAL, "client_secret": "kts_wrong"}),
        (None, {"client_id": CONFIDENTIAL + " ", "client_secret": "kts_wrong"}),
        (None, {"client_id": "WEB", "client_secret": "kts_wrong"}),
        (None, {"client_id": PUBLIC, "client_secret": "x"}),
        (None, {"client_secret": "x"}),
        (basic(CONFIDENTIAL, "wrong"), {}),
        (basic(CONFIDENTIAL, ""), {}),
        (basic("nobody", "x"), {}),
        (basic("", ""), {}),
        (basic(PUBLIC, "x"), {}),
        (_encoded("web"), {}),
        (_encoded(b"\xff\xfe:\xff"), {}),
        (_encoded("web:%ff"), {}),
        (_encoded("we\x00b:x"), {}),
        (_header("Basic"), {}),
        (_header("Basic !!!"), {}),
        (_header("Basic é"), {}),
        (_header("Basic " + "A" * 6000), {}),
        (_header("Bearer x"), {"client_id": PUBLIC}),
        (_header(""), {"client_id": PUBLIC}),
        (_header("Digest x"), {}),
    ],
)
def test_every_failed_proof_gets_one_answer_and_changes_nothing(
    device: OAuth2Client, path: str, headers: dict[str, str] | None, form: dict[str, str]
) -> None:
    """[docs] RFC 6749 5.2: invalid_client is 401 with the scheme to use."""
    before = stored_rows(device.app)

    refused = device.post_plain(path, {**ENDPOINTS[path], **form}, headers)

    assert (refused.status_code, refused.get_json()) == (401, INVALID_CLIENT)
    assert refused.headers["WWW-Authenticate"] == 'Basic realm="oauth2", charset="UTF-8"'
    assert stored_rows(device.app) == before


@pytest.mark.parametrize(
    "form",
    [
        {"client_id": CONFIDENTIAL, "client_secret": "x"},
        {"client_secret": "x"},
        {"client_id": PUBLIC},
    ],
)
def test_two_ways_or_two_applications_at_once_are_an_invalid_request(
    device: OAuth2Client, path: str, form: dict[str, str]
) -> None:
    """[docs] RFC 6749 2.3: no more than one authentication method in each request."""
    headers = basic(CONFIDENTIAL, device.secret)
    refused = device.post_plain(path, {**ENDPOINTS[path], **form}, headers)
    assert (refused.status_code, refused.get_json()["error"]) == (400, "invalid_request")


def test_naming_the_same_application_in_the_body_is_no_second_way(device: OAuth2Client, path: str) -> None:
    form = {**ENDPOINTS[path], "client_id": CONFIDENTIAL}
    assert _is_let_in(device.post_plain(path, form, basic(CONFIDENTIAL, device.secret)))


@pytest.mark.parametrize("form", [{"client_id": PUBLIC}, {"client_id": "nobody"}])
def test_looking_at_tokens_takes_a_proof(device: OAuth2Client, form: dict[str, str]) -> None:
    """[docs] RFC 7662 2.1: introspection requires authorization."""
    refused = device.post_plain("/oauth/introspect", {"token": "x", **form})
    assert (refused.status_code, refused.get_json()) == (401, INVALID_CLIENT)


def test_unknown_application_and_wrong_secret_cost_the_same_work(device: OAuth2Client) -> None:
    clients = runtime_of(device.app).engine.oauth_clients
    lent: list[object] = []
    with device.app.app_context():
        event.listen(db.engine, "checkout", lambda *_: lent.append(None))
    for client_id in ("nobody", CONFIDENTIAL, PUBLIC):
        lent.clear()
        with pytest.raises(InvalidClient):
            clients.authenticate(client_id, "kts_wrong")
        assert len(lent) == 1


def test_only_a_hash_of_the_secret_is_stored_and_the_hash_proves_nothing(device: OAuth2Client) -> None:
    with device.app.app_context():
        stored = db.session.scalars(
            select(OAuthClient.hashed_secret).where(OAuthClient.id == CONFIDENTIAL)
        ).one()

    assert stored == hashlib.sha256(device.secret.encode()).hexdigest()
    refused = device.post_plain("/oauth/revoke", {"token": "x"}, basic(CONFIDENTIAL, stored))
    assert refused.get_json() == INVALID_CLIENT
