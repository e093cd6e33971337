"""A client with verbs that speaks falcon_alert, and what its refusals look like."""

from http import HTTPStatus
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.engine.accounts import Registration
from tests.clients import ORIGIN, PASSWORD
from tests.conftest import runtime_of

EMAIL = "ada@example.test"
NAME = "Ada Example"


class FalconClient:
    """One device of one person."""

    access_cookie = "falcon_alert_access"
    refresh_cookie = "falcon_alert_refresh"

    def __init__(self, app: Flask, transport: str) -> None:
        self.app = app
        self.transport = transport
        self.http: FlaskClient = app.test_client()
        self.access_token: str | None = None
        self.refresh_token: str | None = None

    def another_device(self) -> "FalconClient":
        """Return a second device that shares nothing with this one."""
        return FalconClient(self.app, self.transport)

    def register(self, email: str = EMAIL, **body: Any) -> TestResponse:
        """Create an account, which brings no tokens."""
        return self.post("/users/register", {"email": email, "name": NAME, "password": PASSWORD, **body})

    def sign_up(self, email: str = EMAIL, **body: Any) -> TestResponse:
        """Create an account, log in, and return the answer to the login."""
        assert self.register(email, **body).status_code == 200
        return self.log_in(email)

    def log_in(
        self,
        email: str = EMAIL,
        password: str = PASSWORD,
        type: str = "mobile",  # noqa: A002 - the wire's name
    ) -> TestResponse:
        """Open a session and keep its tokens."""
        return self._keep(self.post("/auth/login", {"email": email, "password": password, "type": type}))

    def refresh(self) -> TestResponse:
        """Exchange the refresh token and keep the new ones."""
        if self.transport == "cookie":
            return self.http.post("/auth/refresh", base_url=ORIGIN)
        return self._keep(self.present(self.refresh_token))

    def present(self, refresh_token: str | None) -> TestResponse:
        """Present a refresh token by this transport, without keeping what comes back."""
        if self.transport == "header":
            body = {} if refresh_token is None else {"refreshToken": refresh_token}
            return self.http.post("/auth/refresh", json=body, base_url=ORIGIN)
        other = self.app.test_client()
        if refresh_token is not None:
            other.set_cookie(self.refresh_cookie, refresh_token, domain="keyturn.example")
        return other.post("/auth/refresh", base_url=ORIGIN)

    def use(self) -> TestResponse:
        """Make a guarded call."""
        return self.get("/auth/profile")

    def change_password(self, old: str, new: str) -> TestResponse:
        """Replace the password."""
        return self.post("/users/password", {"oldPassword": old, "newPassword": new})

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
        return self.send("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        """Make a POST request, with the access token if there is one."""
        return self.send("POST", path, json=body, **options)

    def put(self, path: str, body: Any = None) -> TestResponse:
        """Make a guarded PUT request."""
        return self.send("PUT", path, json=body)

    def delete(self, path: str) -> TestResponse:
        """Make a guarded DELETE request."""
        return self.send("DELETE", path)

    def send(self, method: str, path: str, **options: Any) -> TestResponse:
        """Make a request, with the access token if there is one."""
        headers = {"Authorization": f"Bearer {self.access_token}"} if self.access_token else {}
        return self.http.open(path, method=method, base_url=ORIGIN, **{"headers": headers, **options})

    def _cookie(self, name: str) -> str | None:
        cookie = self.http.get_cookie(name, domain="keyturn.example")
        return cookie.value if cookie else None

    def _keep(self, response: TestResponse) -> TestResponse:
        """Take over the tokens of an answer; in cookie mode the jar has done so already."""
        if self.transport == "header" and response.status_code == 200:
            body = response.get_json()
            self.access_token, self.refresh_token = body["accessToken"], body["refreshToken"]
        return response


def make_administrator(app: Flask, email: str = "grace@example.test") -> None:
    """Create somebody with role_id 2, as an operator does on the command line."""
    registration = Registration(email=email, name="Grace", password=PASSWORD, attributes={"role_id": 2})
    runtime_of(app).engine.accounts.register(registration, None)


def assert_refused(response: TestResponse, status: int, message: str | list[str] | None = None) -> None:
    """Check the whole documented error body."""
    body = response.get_json()
    expected = {
        "message": message or body["message"],
        "error": HTTPStatus(status).phrase,
        "statusCode": status,
    }
    assert body == expected, body
    assert body["message"]
    assert response.status_code == status
