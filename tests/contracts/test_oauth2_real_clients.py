"""oauth2: requests-oauthlib, Authlib and oauth4webapi, unchanged, against the real service."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import InvalidClientError, InvalidGrantError, LegacyApplicationClient, OAuth2Error
from requests_oauthlib import OAuth2Session

from tests.npm.packages import missing
from tests.reliability.databases import fresh_database
from tests.reliability.server import Server, running_server

EMAIL, PASSWORD = "ada@example.test", "correct horse battery"
SCRIPT = Path(__file__).parents[1] / "npm" / "oauth2.mjs"


@dataclass(frozen=True)
class Service:
    """A running service with two applications registered; `secret` is the confidential one's."""

    base_url: str
    secret: str

    def secret_of(self, client_id: str) -> str | None:
        return self.secret if client_id == "web" else None

    @property
    def token_url(self) -> str:
        return f"{self.base_url}/oauth/token"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with fresh_database("sqlite") as url, running_server(url, {"KEYTURN_CONTRACTS": "oauth2"}) as server:
        server.environment["KEYTURN_PUBLIC_URL"] = server.base_url
        server.restart()
        yield Service(server.base_url, _registered(server))


def _registered(server: Server) -> str:
    server.flask("users", "create", "--email", EMAIL, "--password", PASSWORD)
    server.flask("clients", "create", "--id", "app", "--public")
    secret: str = json.loads(server.flask("clients", "create", "--id", "web", "--confidential", "--json"))[
        "secret"
    ]
    return secret


@pytest.fixture(autouse=True)
def _insecure_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    # Both Python libraries insist on https, which a service on this machine does without.
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.fixture(params=["app", "web"], ids=["public", "confidential"])
def client_id(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def test_requests_oauthlib_logs_in_and_refreshes_by_itself(service: Service, client_id: str) -> None:
    saved: list[dict[str, Any]] = []
    proof = {"client_id": client_id, "client_secret": service.secret_of(client_id)}
    session = OAuth2Session(
        client=LegacyApplicationClient(client_id),
        auto_refresh_url=service.token_url,
        auto_refresh_kwargs=proof,
        token_updater=saved.append,
    )
    with session:
        token = dict(_fetched(session, service, client_secret=proof["client_secret"]))
        session.token = {**token, "expires_at": 1}
        assert session.get(f"{service.base_url}/healthz").status_code == 200

    (fresh,) = saved
    assert fresh["token_type"] == "Bearer"
    assert fresh["refresh_token"] != token["refresh_token"]
    assert session.token["access_token"] == fresh["access_token"] != token["access_token"]


def test_requests_oauthlib_authenticates_by_header_and_revokes(service: Service) -> None:
    with OAuth2Session(client=LegacyApplicationClient("web")) as session:
        token = session.fetch_token(
            service.token_url, username=EMAIL, password=PASSWORD, auth=("web", service.secret)
        )
        session.refresh_token(service.token_url, auth=("web", service.secret))
        assert session.token["refresh_token"] != token["refresh_token"]

        form = {"token": session.token["refresh_token"]}
        revoked = session.post(
            f"{service.base_url}/oauth/revoke", form, auth=("web", service.secret), withhold_token=True
        )
        assert revoked.status_code == 200
        with pytest.raises(InvalidGrantError):
            session.refresh_token(service.token_url, auth=("web", service.secret))


@pytest.mark.parametrize(("name", "error"), [("app", InvalidGrantError), ("nobody", InvalidClientError)])
def test_requests_oauthlib_understands_refusals(
    service: Service, name: str, error: type[OAuth2Error]
) -> None:
    with OAuth2Session(client=LegacyApplicationClient(name)) as session, pytest.raises(error):
        _fetched(session, service, password="wrong")


def _fetched(session: OAuth2Session, service: Service, **options: Any) -> dict[str, Any]:
    whole = {"username": EMAIL, "password": PASSWORD, "include_client_id": True, **options}
    token: dict[str, Any] = session.fetch_token(service.token_url, **whole)
    return token


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_authlib_logs_in_and_refreshes_by_itself(service: Service, method: str) -> None:
    saved: list[dict[str, Any]] = []
    session = AuthlibSession(
        "app" if method == "none" else "web",
        None if method == "none" else service.secret,
        token_endpoint=service.token_url,
        token_endpoint_auth_method=method,
        update_token=lambda token, refresh_token: saved.append({**token, "replaces": refresh_token}),
    )
    with session:
        token = dict(session.fetch_token(username=EMAIL, password=PASSWORD))
        session.token = {**token, "expires_at": 1}
        assert session.get(f"{service.base_url}/healthz").status_code == 200

    (fresh,) = saved
    assert fresh["replaces"] == token["refresh_token"] != fresh["refresh_token"]
    assert session.token["access_token"] == fresh["access_token"] != token["access_token"]


def test_authlib_looks_at_tokens_and_revokes_them(service: Service) -> None:
    introspection, revocation = (f"{service.base_url}/oauth/{name}" for name in ("introspect", "revoke"))
    with AuthlibSession("web", service.secret, token_endpoint=service.token_url) as session:
        token = session.fetch_token(username=EMAIL, password=PASSWORD)
        live = session.introspect_token(introspection, token["access_token"], "access_token").json()
        assert (live["active"], live["client_id"], live["username"]) == (True, "web", EMAIL)

        assert session.revoke_token(revocation, token["access_token"], "refresh_token").status_code == 200

        assert session.introspect_token(introspection, token["refresh_token"]).json() == {"active": False}
        with pytest.raises(OAuthError, match="invalid_grant"):
            session.refresh_token(service.token_url)


@pytest.mark.parametrize(("way", "client_id"), [("basic", "web"), ("post", "web"), ("none", "app")])
def test_oauth4webapi_finds_everything_by_discovery(service: Service, way: str, client_id: str) -> None:
    found = _run_oauth4webapi(service, way, client_id)

    assert found["server"]["issuer"] == service.base_url
    assert found["first"]["refresh_token"] != found["second"]["refresh_token"]
    assert (found["second"]["token_type"].lower(), found["second"]["expires_in"]) == ("bearer", 3600)
    if way != "none":
        assert [live["active"] for live in found["live"]] == [True, True]
        assert found["dead"] == [{"active": False}] * 2
    for name in ("revoked", "wrongPassword"):
        refused = found[name]
        assert (refused["kind"], refused["status"], refused["error"]) == (
            "ResponseBodyError",
            400,
            "invalid_grant",
        )
    assert found["wrongSecret"]["kind"] == "WWWAuthenticateChallengeError"
    assert (found["wrongSecret"]["status"], found["wrongSecret"]["schemes"]) == (401, ["basic"])


def _run_oauth4webapi(service: Service, way: str, client_id: str) -> dict[str, Any]:
    if reason := missing():
        if os.environ.get("KEYTURN_TEST_SERVICES") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    order = {
        "issuer": service.base_url,
        "clientId": client_id,
        "secret": service.secret_of(client_id),
        "way": way,
        "username": EMAIL,
        "password": PASSWORD,
    }
    done = subprocess.run(
        ["node", str(SCRIPT), json.dumps(order)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
