"""Devices: clients with verbs, by each transport, that keep their tokens as a careful client does."""

from typing import Any, ClassVar, Self

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PASSWORD = "correct horse battery"
ORIGIN = "https://keyturn.example"
HOST = "keyturn.example"


class Device:
    """One device of one person. A subclass says what one contract calls things, and has its verbs."""

    refresh_path: str
    access_cookie: str
    refresh_cookie: str
    access_field: ClassVar[str] = "accessToken"
    refresh_field: ClassVar[str] = "refreshToken"

    def __init__(self, app: Flask, transport: str) -> None:
        self.app = app
        self.transport = transport
        self.http: FlaskClient = app.test_client()
        self.access_token: str | None = None
        self.refresh_token: str | None = None

    def another_device(self) -> Self:
        """Return a second device that shares nothing with this one."""
        return type(self)(self.app, self.transport)

    def sign_up(self) -> TestResponse:
        """Create a person, by whatever way the contract leaves, and keep the tokens of a first session."""
        raise NotImplementedError

    def use(self) -> TestResponse:
        """Make a guarded call."""
        raise NotImplementedError

    def is_let_in(self) -> bool:
        """Tell whether a guarded call gets through."""
        return self.use().status_code == 200

    def refresh(self) -> TestResponse:
        """Exchange the refresh token and keep the new ones."""
        return self.keep(self.exchange(self.refresh_token))

    def present(self, refresh_token: str | None) -> TestResponse:
        """Present a refresh token by this transport, without keeping what comes back."""
        other = self.another_device()
        other.hold(refresh_token=refresh_token)
        return other.exchange(other.refresh_token)

    def exchange(self, refresh_token: str | None) -> TestResponse:
        """Make the refresh request; by cookie it has no body, and the jar holds the token."""
        return self.http.post(self.refresh_path, json=self._exchanged(refresh_token), base_url=ORIGIN)

    def current_refresh_token(self) -> str | None:
        """Return the refresh token that this client holds."""
        return self.refresh_token if self.transport == "header" else self._cookie(self.refresh_cookie)

    def current_access_token(self) -> str | None:
        """Return the access token that this client holds."""
        return self.access_token if self.transport == "header" else self._cookie(self.access_cookie)

    def hold(self, *, access_token: str | None = None, refresh_token: str | None = None) -> None:
        """Take over tokens from elsewhere."""
        if self.transport == "header":
            self.access_token = access_token or self.access_token
            self.refresh_token = refresh_token or self.refresh_token
            return
        for name, value in ((self.access_cookie, access_token), (self.refresh_cookie, refresh_token)):
            if value is not None:
                self.http.set_cookie(name, value, domain=HOST, secure=True)

    def get(self, path: str, **options: Any) -> TestResponse:
        """Make a GET request, with the access token if there is one."""
        return self.send("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        """Make a POST request, with the access token if there is one."""
        return self.send("POST", path, json=body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        """Make a PUT request, with the access token if there is one."""
        return self.send("PUT", path, json=body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        """Make a PATCH request, with the access token if there is one."""
        return self.send("PATCH", path, json=body, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        """Make a DELETE request, with the access token if there is one."""
        return self.send("DELETE", path, **options)

    def send(self, method: str, path: str, **options: Any) -> TestResponse:
        """Make a request, with the access token if there is one and no other is named."""
        headers: dict[str, str] = self.headers() | dict(options.pop("headers", {}))
        return self.http.open(path, method=method, base_url=ORIGIN, headers=headers, **options)

    def headers(self) -> dict[str, str]:
        """Return what this client sends with a request beside its cookies."""
        return {"Authorization": f"Bearer {self.access_token}"} if self.access_token else {}

    def keep(self, response: TestResponse) -> TestResponse:
        """Take over the tokens of an answer; in cookie mode the jar has done so already."""
        if self.transport == "header" and response.status_code in {200, 201} and response.is_json:
            body = response.get_json()
            self.access_token = body.get(self.access_field, self.access_token)
            self.refresh_token = body.get(self.refresh_field, self.refresh_token)
        return response

    def _exchanged(self, refresh_token: str | None) -> dict[str, str] | None:
        if self.transport == "cookie":
            return None
        return {} if refresh_token is None else {self.refresh_field: refresh_token}

    def _cookie(self, name: str) -> str | None:
        cookie = self.http.get_cookie(name, domain=HOST)
        return cookie.value if cookie else None


class AuthClient(Device):
    """A device that speaks nest_auth."""

    refresh_path = "/auth/refresh-token"
    access_cookie = "accessToken"
    refresh_cookie = "refreshToken"

    def __init__(self, app: Flask, transport: str) -> None:
        super().__init__(app, transport)
        self.trust_token: str | None = None

    def sign_up(self, email: str = "ada@example.test", **body: Any) -> TestResponse:
        """Create an account and keep its tokens."""
        return self.keep(self.post("/auth/signup", {"email": email, "password": PASSWORD, **body}))

    def log_in(self, email: str = "ada@example.test", password: str = PASSWORD, **body: Any) -> TestResponse:
        """Open a session and keep its tokens."""
        credentials = {"email": email, "password": password}
        return self.keep(self.post("/auth/login", {"credentials": credentials, **body}))

    def use(self) -> TestResponse:
        """Make a guarded call."""
        return self.get("/auth/me")

    def log_out(self) -> TestResponse:
        """End the session."""
        return self.post("/auth/logout")

    def headers(self) -> dict[str, str]:
        """Return what this client sends with a request beside its cookies."""
        trust = {"nest_auth_device_trust": self.trust_token} if self.trust_token else {}
        return super().headers() | trust

    def keep(self, response: TestResponse) -> TestResponse:
        """Take over the tokens of an answer, the one that makes a device trusted among them."""
        if self.transport == "header" and response.status_code == 200 and response.is_json:
            self.trust_token = response.get_json().get("trustToken", self.trust_token)
        return super().keep(response)
