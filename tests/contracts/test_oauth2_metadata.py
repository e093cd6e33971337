"""oauth2: the metadata at the root (RFC 8414), and how the endpoints are described."""

import pytest
from flask import Flask

from tests.clients import ORIGIN
from tests.conftest import AppFor

PATH = "/.well-known/oauth-authorization-server"


def _metadata(app: Flask) -> dict[str, object]:
    answer = app.test_client().get(PATH, base_url=ORIGIN)
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    found: dict[str, object] = answer.get_json()
    return found


def test_metadata_says_where_everything_is_and_what_it_takes(app_for: AppFor) -> None:
    """[docs] RFC 8414 2: issuer, endpoints, grants, authentication methods."""
    provable = ["client_secret_basic", "client_secret_post"]
    assert _metadata(app_for(contracts="oauth2")) == {
        "issuer": "https://keyturn.example",
        "token_endpoint": "https://keyturn.example/oauth/token",
        "token_endpoint_auth_methods_supported": [*provable, "none"],
        "revocation_endpoint": "https://keyturn.example/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": [*provable, "none"],
        "introspection_endpoint": "https://keyturn.example/oauth/introspect",
        "introspection_endpoint_auth_methods_supported": provable,
        "grant_types_supported": ["refresh_token", "password"],
        "response_types_supported": [],
    }


@pytest.mark.parametrize(("mounted", "base"), [("oauth2@/sign-in", "/sign-in"), ("oauth2@/", "")])
def test_metadata_follows_the_prefix_and_stays_at_the_root(app_for: AppFor, mounted: str, base: str) -> None:
    assert _metadata(app_for(contracts=mounted))["token_endpoint"] == f"https://keyturn.example{base}/token"


def test_metadata_is_there_only_where_oauth2_is(app_for: AppFor) -> None:
    assert app_for().test_client().get(PATH, base_url=ORIGIN).status_code == 404


def test_metadata_is_read_only(app_for: AppFor) -> None:
    app = app_for(contracts="oauth2")
    assert app.test_client().post(PATH, base_url=ORIGIN).status_code == 405


def test_bodies_are_described_as_forms(app_for: AppFor) -> None:
    document = app_for(contracts="oauth2").test_client().get("/openapi.json").get_json()
    for name in ("token", "revoke", "introspect"):
        body = document["paths"][f"/oauth/{name}"]["post"]["requestBody"]
        assert list(body["content"]) == ["application/x-www-form-urlencoded"]
    assert document["paths"][PATH]["get"]["tags"] == ["oauth2"]


def test_page_shows_a_command_that_sends_a_form(app_for: AppFor) -> None:
    page = app_for(contracts="oauth2").test_client().get("/docs").text
    article = page.partition('<article id="oauth2_token">')[2].partition("</article>")[0]
    assert "--data-urlencode" in article
    assert "application/json&#39;" not in article
