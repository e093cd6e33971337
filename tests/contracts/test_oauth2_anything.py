"""oauth2: arbitrary forms and credentials at every endpoint are refused in the documented shape."""

import base64
import re
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clients import PASSWORD
from tests.conftest import AppFor
from tests.contracts.oauth2_client import OAuth2Client

PATHS = ("/oauth/token", "/oauth/revoke", "/oauth/introspect")
# RFC 6749 section 5.2 lets no quotes, backslashes or letters beyond ASCII into either text.
ALLOWED = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")
CODES = {
    *("invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type"),
    *("invalid_scope", "temporarily_unavailable", "access_denied"),
}
names = st.sampled_from(
    [
        *("grant_type", "client_id", "client_secret", "username", "password", "refresh_token", "token"),
        *("token_type_hint", "scope", "x"),
    ]
)
values = st.text(max_size=30) | st.sampled_from(
    ["password", "refresh_token", "app", "web", "ada", "ada@example.test", PASSWORD, "kt1_", "e30.e30.e30"]
)
forms = st.dictionaries(names, values, max_size=6).map(lambda fields: urlencode(fields).encode()) | st.binary(
    max_size=60
)
credentials = st.binary(max_size=30).map(lambda raw: f"Basic {base64.b64encode(raw).decode()}") | st.text(
    st.characters(min_codepoint=1, max_codepoint=255, exclude_characters="\r\n"), max_size=30
)
many = settings(max_examples=150)


@pytest.fixture
def device(app_for: AppFor, transport: str) -> OAuth2Client:
    return OAuth2Client(app_for(contracts="oauth2", access_token_type=transport), transport)


@many
@given(path=st.sampled_from(PATHS), form=forms, credential=st.none() | credentials)
def test_whatever_comes_is_answered_in_the_documented_shape(
    device: OAuth2Client, path: str, form: bytes, credential: str | None
) -> None:
    headers = {} if credential is None else {"Authorization": credential}
    answer = device.post_plain(path, form, headers)

    assert answer.status_code in {200, 400, 401, 403, 429}, form
    body = answer.get_json()
    if answer.status_code >= 400:
        assert set(body) == {"error", "error_description"}
        assert body["error"] in CODES
        assert ALLOWED.fullmatch(body["error_description"]), body
    assert ("WWW-Authenticate" in answer.headers) == (answer.status_code == 401)
