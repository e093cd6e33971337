"""A client with verbs, one for each transport, that keeps its tokens as a careful client does."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PASSWORD = "correct horse battery"
ORIGIN = "https://keyturn.example"


class AuthClient:
    """One device of one person, speaking nest_auth."""

    def __init__(self, app: Flask, transport: str) -> None:
        self.app = app
        self.transport = transport
        self.http: FlaskClient = app.test_client()
        self.access_token: str | None = None
        self.refresh_token: str | None = None
        self.trust_token: str | None = None

    def another_device(self) -> "AuthClient":
        """Return a second device that shares nothing with this one."""
        return AuthClient(self.app, self.transport)

    def sign_up(self, email: str = "ada@example.test", **body: Any) -> TestResponse:
        """Create an account and keep its tokens."""
        return self.keep(self.post("/auth/signup", {"email": email, "password": PASSWORD, **body}))

    def log_in(self, email: str = "ada@example.test", password: str = PASSWORD, **body: Any) -> TestResponse:
        """Open a session and keep its tokens."""
        credentials = {"email": email, "password": password}
        return self.keep(self.post("/auth/login", {"credentials": credentials, **body}))

    def refresh(self) -> TestResponse:
        """Exchange the refresh token and keep the new ones."""
        if self.transport == "cookie":
            return self.http.post("/auth/refresh-token", base_url=ORIGIN)
        return self.keep(self.present(self.refresh_token))

    def present(self, refresh_token: str | None) -> TestResponse:
        """Present a refresh token by this transport, without keeping what comes back."""
        if self.transport == "header":
            body = {} if refresh_token is None else {"refreshToken": refresh_token}
            return self.http.post("/auth/refresh-token", json=body, base_url=ORIGIN)
        other = self.app.test_client()
        if refresh_token is not None:
            other.set_cookie("refreshToken", refresh_token, domain="keyturn.example")
        return other.post("/auth/refresh-token", base_url=ORIGIN)

    def current_refresh_token(self) -> str | None:
        """Return the refresh token that this client holds."""
        if self.transport == "header":
            return self.refresh_token
        return self._cookie("refreshToken")

    def current_access_token(self) -> str | None:
        """Return the access token that this client holds."""
        if self.transport == "header":
            return self.access_token
        return self._cookie("accessToken")

    def hold(self, *, access_token: str | None = None, refresh_token: str | None = None) -> None:
        """Take over tokens from elsewhere."""
        if self.transport == "header":
            self.access_token = access_token or self.access_token
            self.refresh_token = refresh_token or self.refresh_token
            return
        for name, value in (("accessToken", access_token), ("refreshToken", refresh_token)):
            if value is not None:
                self.http.set_cookie(name, value, domain="keyturn.example", secure=True)

    def get(self, path: str, **options: Any) -> TestResponse:
        """Make a guarded GET request."""
        return self.http.get(path, headers=self._headers(options), base_url=ORIGIN, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        """Make a POST request, with the access token if there is one."""
        return self.http.post(path, json=body, headers=self._headers(options), base_url=ORIGIN, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        """Make a guarded DELETE request."""
        return self.http.delete(path, headers=self._headers(options), base_url=ORIGIN, **options)

    def headers(self) -> dict[str, str]:
        """Return what this client sends with a guarded request beside its cookies."""
        return self._headers({})

    def _headers(self, options: dict[str, Any]) -> dict[str, str]:
        headers: dict[str, str] = dict(options.pop("headers", {}))
        if self.transport == "header" and self.access_token:
            headers.setdefault("Authorization", f"Bearer {self.access_token}")
        if self.trust_token:
            headers.setdefault("nest_auth_device_trust", self.trust_token)
        return headers

    def _cookie(self, name: str) -> str | None:
        cookie = self.http.get_cookie(name, domain="keyturn.example")
        return cookie.value if cookie else None

    def keep(self, response: TestResponse) -> TestResponse:
        """Take over the tokens of an answer; in cookie mode the jar has done so already."""
        if self.transport == "header" and response.status_code == 200 and response.is_json:
            body = response.get_json()
            self.access_token = body.get("accessToken", self.access_token)
            self.refresh_token = body.get("refreshToken", self.refresh_token)
            self.trust_token = body.get("trustToken", self.trust_token)
        return response
