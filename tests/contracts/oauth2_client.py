"""A client with verbs that speaks oauth2, and the applications that are registered for it."""

import base64
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from app.engine.accounts import Registration
from tests.clients import ORIGIN, PASSWORD, Device
from tests.conftest import runtime_of

EMAIL = "ada@example.test"
PUBLIC, CONFIDENTIAL = "app", "web"
INVALID_GRANT = {
    "error": "invalid_grant",
    "error_description": "The grant is invalid, expired, revoked or was issued to another client",
}
INVALID_CLIENT = {"error": "invalid_client", "error_description": "Client authentication failed."}


def basic(client_id: str, secret: str | None) -> dict[str, str]:
    """Return the headers of HTTP Basic."""
    pair = f"{client_id}:{secret or ''}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _registered(app: Flask) -> str:
    """Register both applications and a person, and return the confidential one's secret."""
    engine = runtime_of(app).engine
    engine.oauth_clients.create(PUBLIC, is_confidential=False)
    _, secret = engine.oauth_clients.create(CONFIDENTIAL, is_confidential=True, name="Web shop")
    assert secret is not None
    engine.accounts.register(Registration(email=EMAIL, username="ada", password=PASSWORD), None)
    return secret


class OAuth2Client(Device):
    """A device that speaks oauth2, with a public application unless another is named."""

    refresh_path = "/oauth/token"
    access_cookie = "oauth2_access"
    refresh_cookie = "oauth2_refresh"
    access_field = "access_token"
    refresh_field = "refresh_token"

    def __init__(
        self, app: Flask, transport: str, client_id: str = PUBLIC, secret: str | None = None
    ) -> None:
        """Make a device; the first one of a deployment registers two applications and a person."""
        super().__init__(app, transport)
        self.secret = _registered(app) if secret is None else secret
        self.client_id = client_id

    def another_device(self, client_id: str = PUBLIC) -> "OAuth2Client":
        """Return a second device that shares nothing with this one but the deployment."""
        return OAuth2Client(self.app, self.transport, client_id, self.secret)

    def sign_up(self, email: str = EMAIL) -> TestResponse:
        """Log in, after registering the person if it is another one than the first."""
        if email != EMAIL:
            registration = Registration(email=email, password=PASSWORD)
            runtime_of(self.app).engine.accounts.register(registration, None)
        return self.log_in(email)

    def log_in(self, username: str = EMAIL, password: str = PASSWORD, **form: Any) -> TestResponse:
        """Open a session and keep its tokens."""
        whole = {"grant_type": "password", "username": username, "password": password, **form}
        return self.keep(self.post("/oauth/token", whole))

    def present(self, refresh_token: str | None) -> TestResponse:
        """Present a refresh token by this transport, without keeping what comes back."""
        other = self.another_device(self.client_id)
        other.hold(refresh_token=refresh_token)
        return other.exchange(other.refresh_token)

    def exchange(self, refresh_token: str | None) -> TestResponse:
        """Make the refresh request."""
        return self.post("/oauth/token", {"grant_type": "refresh_token", "refresh_token": refresh_token})

    def use(self) -> TestResponse:
        """Let a service look at the access token, which is what stands here for a guarded call."""
        return self.introspect(self.current_access_token())

    def is_let_in(self) -> bool:
        """Tell whether that service would let the device in."""
        return self.use().get_json() != {"active": False}

    def introspect(self, token: str | None, **form: str) -> TestResponse:
        """Look at a token as a service with the confidential application does."""
        headers = basic(CONFIDENTIAL, self.secret)
        return self.another_device(CONFIDENTIAL).post_plain(
            "/oauth/introspect", {"token": token, **form}, headers
        )

    def log_out(self) -> TestResponse:
        """End the session."""
        form = {"token": self.refresh_token} if self.transport == "header" else {}
        return self.post("/oauth/revoke", form)

    def post(self, path: str, form: dict[str, Any]) -> TestResponse:
        """Send a form as this application."""
        if self.client_id == CONFIDENTIAL:
            return self.post_plain(path, form, basic(self.client_id, self.secret))
        return self.post_plain(path, {"client_id": self.client_id, **form})

    def post_plain(
        self, path: str, form: dict[str, Any] | str | bytes, headers: dict[str, str] | None = None
    ) -> TestResponse:
        """Send a form, or text in its place, as nobody in particular."""
        if isinstance(form, dict):
            form = {name: value for name, value in form.items() if value is not None}
        content_type = "application/x-www-form-urlencoded"
        return self.http.post(path, data=form, content_type=content_type, headers=headers, base_url=ORIGIN)
