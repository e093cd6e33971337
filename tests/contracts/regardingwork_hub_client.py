"""A client with verbs that speaks regardingwork_hub, and what its refusals look like."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.clients import ORIGIN

BASE = "/api/auth"
USERNAME = "ada-example"
EMAIL = "ada@example.test"
PASSWORD = "correct horse battery 1"


class HubClient:
    """One device of one person."""

    access_cookie = "regardingwork_hub_access"
    refresh_cookie = "regardingwork_hub_refresh"

    def __init__(self, app: Flask, transport: str) -> None:
        self.app = app
        self.transport = transport
        self.http: FlaskClient = app.test_client()
        self.access_token: str | None = None
        self.refresh_token: str | None = None

    def another_device(self) -> "HubClient":
        """Return a second device that shares nothing with this one."""
        return HubClient(self.app, self.transport)

    def sign_up(self, username: str = USERNAME, email: str = EMAIL, **body: Any) -> TestResponse:
        """Create an account and keep its tokens."""
        whole = {"username": username, "email": email, "password": PASSWORD, **body}
        return self._keep(self.post(f"{BASE}/register", whole))

    def log_in(self, username: str = USERNAME, password: str = PASSWORD) -> TestResponse:
        """Open a session and keep its tokens."""
        return self._keep(self.post(f"{BASE}/login", {"username": username, "password": password}))

    def refresh(self) -> TestResponse:
        """Exchange the refresh token and keep the new ones."""
        if self.transport == "cookie":
            return self.http.post(f"{BASE}/refresh", base_url=ORIGIN)
        return self._keep(self.present(self.refresh_token))

    def present(self, refresh_token: str | None) -> TestResponse:
        """Present a refresh token by this transport, without keeping what comes back."""
        if self.transport == "header":
            body = {} if refresh_token is None else {"refresh_token": refresh_token}
            return self.http.post(f"{BASE}/refresh", json=body, base_url=ORIGIN)
        other = self.app.test_client()
        if refresh_token is not None:
            other.set_cookie(self.refresh_cookie, refresh_token, domain="keyturn.example")
        return other.post(f"{BASE}/refresh", base_url=ORIGIN)

    def use(self) -> TestResponse:
        """Make a guarded call."""
        return self.get(f"{BASE}/me")

    def log_out(self) -> TestResponse:
        """End the session."""
        return self.post(f"{BASE}/logout")

    def current_refresh_token(self) -> str | None:
        """Return the refresh token that this client holds."""
        return self.refresh_token if self.transport == "header" else self._cookie(self.refresh_cookie)

    def current_access_token(self) -> str | None:
        """Return the access token that this client holds."""
        return self.access_token if self.transport == "header" else self._cookie(self.access_cookie)

    def hold_access_token(self, token: str) -> None:
        """Take over an access token from elsewhere."""
        if self.transport == "header":
            self.access_token = token
        else:
            self.http.set_cookie(self.access_cookie, token, domain="keyturn.example", secure=True)

    def get(self, path: str, **options: Any) -> TestResponse:
        """Make a guarded GET request."""
        return self.http.get(path, headers=self._headers(), base_url=ORIGIN, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        """Make a POST request, with the access token if there is one."""
        return self.http.post(path, json=body, headers=self._headers(), base_url=ORIGIN, **options)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"} if self.access_token else {}

    def _cookie(self, name: str) -> str | None:
        cookie = self.http.get_cookie(name, domain="keyturn.example")
        return cookie.value if cookie else None

    def _keep(self, response: TestResponse) -> TestResponse:
        """Take over the tokens of an answer; in cookie mode the jar has done so already."""
        if self.transport == "header" and response.status_code in {200, 201}:
            body = response.get_json()
            self.access_token, self.refresh_token = body["access_token"], body["refresh_token"]
        return response


def assert_refused(response: TestResponse, status: int, error: str | None = None) -> None:
    """Check the whole documented error body."""
    body = response.get_json()
    is_judged = status == 401 and response.request.path == f"{BASE}/validate"
    assert body == {"error": error or body["error"], **({"valid": False} if is_judged else {})}, body
    assert body["error"]
    assert response.status_code == status
