"""A client with verbs that speaks entryguard, and what its refusals look like."""

from http import HTTPStatus
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.clients import ORIGIN, PASSWORD

BASE = "/api/v1/auth"
EMAIL = "ada@example.test"
SLUG = "example-works"


class EntryGuardClient:
    """One device of one person."""

    access_cookie = "entryguard_access"
    refresh_cookie = "entryguard_refresh"

    def __init__(self, app: Flask, transport: str) -> None:
        self.app = app
        self.transport = transport
        self.http: FlaskClient = app.test_client()
        self.access_token: str | None = None
        self.refresh_token: str | None = None

    def another_device(self) -> "EntryGuardClient":
        """Return a second device that shares nothing with this one."""
        return EntryGuardClient(self.app, self.transport)

    def sign_up(self, email: str = EMAIL, organization: str = "Example Works", **body: Any) -> TestResponse:
        """Register an organization with this person as administrator and keep the tokens."""
        whole = {"organizationName": organization, "email": email, "password": PASSWORD, **body}
        return self.keep(self.post(f"{BASE}/register", whole))

    def log_in(self, email: str = EMAIL, password: str = PASSWORD, slug: str = SLUG) -> TestResponse:
        """Open a session and keep its tokens."""
        body = {"organizationSlug": slug, "email": email, "password": password}
        return self.keep(self.post(f"{BASE}/login", body))

    def refresh(self) -> TestResponse:
        """Exchange the refresh token and keep the new ones."""
        if self.transport == "cookie":
            return self.http.post(f"{BASE}/refresh", base_url=ORIGIN)
        return self.keep(self.present(self.refresh_token))

    def present(self, refresh_token: str | None) -> TestResponse:
        """Present a refresh token by this transport, without keeping what comes back."""
        if self.transport == "header":
            body = {} if refresh_token is None else {"refreshToken": refresh_token}
            return self.http.post(f"{BASE}/refresh", json=body, base_url=ORIGIN)
        other = self.app.test_client()
        if refresh_token is not None:
            other.set_cookie(self.refresh_cookie, refresh_token, domain="keyturn.example")
        return other.post(f"{BASE}/refresh", base_url=ORIGIN)

    def use(self) -> TestResponse:
        """Make a guarded call."""
        return self.get(f"{BASE}/me")

    def log_out(self) -> TestResponse:
        """End the session as a client does that has its refresh token."""
        body = {"refreshToken": self.refresh_token} if self.transport == "header" else None
        return self.http.post(f"{BASE}/logout", json=body, base_url=ORIGIN)

    def change_password(self, current: str, new: str) -> TestResponse:
        """Replace the password."""
        return self.post(f"{BASE}/change-password", {"currentPassword": current, "newPassword": new})

    def current_refresh_token(self) -> str | None:
        """Return the refresh token that this client holds."""
        return self.refresh_token if self.transport == "header" else self._cookie(self.refresh_cookie)

    def current_access_token(self) -> str | None:
        """Return the access token that this client holds."""
        return self.access_token if self.transport == "header" else self._cookie(self.access_cookie)

    def get(self, path: str, **options: Any) -> TestResponse:
        """Make a guarded GET request."""
        return self.http.get(path, headers=self._headers(), base_url=ORIGIN, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        """Make a POST request, with the access token if there is one."""
        return self.http.post(path, json=body, headers=self._headers(), base_url=ORIGIN, **options)

    def patch(self, path: str, body: Any) -> TestResponse:
        """Make a guarded PATCH request."""
        return self.http.patch(path, json=body, headers=self._headers(), base_url=ORIGIN)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"} if self.access_token else {}

    def _cookie(self, name: str) -> str | None:
        cookie = self.http.get_cookie(name, domain="keyturn.example")
        return cookie.value if cookie else None

    def keep(self, response: TestResponse) -> TestResponse:
        """Take over the tokens of an answer; in cookie mode the jar has done so already."""
        if self.transport == "header" and response.status_code in {200, 201}:
            body = response.get_json()
            self.access_token, self.refresh_token = body["accessToken"], body["refreshToken"]
        return response


def assert_refused(
    response: TestResponse,
    status: int,
    message: str | None = None,
    *,
    problems: dict[str, str] | None = None,
) -> None:
    """Check the whole documented error body; the clock of the tests stands at noon unless they move it."""
    body = response.get_json()
    timestamp = body.pop("timestamp")
    assert len(timestamp) == len("2026-03-01T12:00:00Z")
    assert timestamp.endswith("Z")
    assert body.pop("validationErrors", None) == problems
    assert body == {
        "status": status,
        "error": HTTPStatus(status).phrase,
        "message": message or body["message"],
        "path": response.request.path,
    }
    assert body["message"]
    assert response.status_code == status
