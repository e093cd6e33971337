"""A client with verbs that speaks falcon_alert, and what its refusals look like."""

from http import HTTPStatus
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from app.engine.accounts import Registration
from tests.clients import PASSWORD, Device
from tests.conftest import runtime_of

EMAIL = "ada@example.test"
NAME = "Ada Example"


class FalconClient(Device):
    """A device that speaks falcon_alert."""

    refresh_path = "/auth/refresh"
    access_cookie = "falcon_alert_access"
    refresh_cookie = "falcon_alert_refresh"

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
        return self.keep(self.post("/auth/login", {"email": email, "password": password, "type": type}))

    def use(self) -> TestResponse:
        """Make a guarded call."""
        return self.get("/auth/profile")

    def change_password(self, old: str, new: str) -> TestResponse:
        """Replace the password."""
        return self.post("/users/password", {"oldPassword": old, "newPassword": new})


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
