"""A client with verbs that speaks seven_g, and what its refusals look like."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.engine.accounts import Registration
from app.engine.errors import AuthError
from app.http.call import begin_call
from tests.clients import ORIGIN, PASSWORD
from tests.conftest import runtime_of

USERNAME = "svc-reporting"


class SevenGClient:
    """One device of one person. It remembers which access token came with which refresh token."""

    access_cookie = "seven_g_access"
    refresh_cookie = "seven_g_refresh"

    def __init__(self, app: Flask, transport: str) -> None:
        self.app = app
        self.transport = transport
        self.http: FlaskClient = app.test_client()
        self.access_token: str | None = None
        self.refresh_token: str | None = None
        self._beside: dict[str | None, str | None] = {}

    def another_device(self) -> "SevenGClient":
        """Return a second device that shares nothing with this one."""
        return SevenGClient(self.app, self.transport)

    def sign_up(self, username: str = USERNAME, **registration: Any) -> TestResponse:
        """Provision an account, which this contract leaves to the operator, and log in."""
        whole = Registration(username=username, password=PASSWORD, **registration)
        runtime_of(self.app).engine.accounts.register(whole, None)
        return self.log_in(username)

    def log_in(self, username: str = USERNAME, password: str = PASSWORD) -> TestResponse:
        """Open a session and keep its tokens."""
        return self._keep(self.post("/User/Login", {"username": username, "password": password}))

    def refresh(self) -> TestResponse:
        """Exchange both tokens and keep the new ones."""
        if self.transport == "cookie":
            return self._keep(self.http.post("/User/RefreshToken", base_url=ORIGIN))
        return self._keep(self.present(self.refresh_token))

    def present(self, refresh_token: str | None) -> TestResponse:
        """Present a refresh token with the access token it came with, without keeping what comes back."""
        return self.present_both(self._beside.get(refresh_token, self.current_access_token()), refresh_token)

    def present_both(self, access_token: str | None, refresh_token: str | None) -> TestResponse:
        """Present two tokens by this transport, without keeping what comes back."""
        other = self.app.test_client()
        if self.transport == "header":
            headers = {"Authorization": f"Bearer {access_token}"} if access_token else {}
            body = {} if refresh_token is None else {"refreshToken": refresh_token}
            return other.post("/User/RefreshToken", json=body, headers=headers, base_url=ORIGIN)
        for name, token in ((self.access_cookie, access_token), (self.refresh_cookie, refresh_token)):
            if token is not None:
                other.set_cookie(name, token, domain="keyturn.example")
        return other.post("/User/RefreshToken", base_url=ORIGIN)

    def use(self) -> TestResponse:
        """Pass the guard as a service in the same application does; the contract has no guarded path."""
        return self.use_token(self.current_access_token())

    def use_token(self, access_token: str | None) -> TestResponse:
        """Pass that guard with another access token."""
        headers = {
            "header": {"Authorization": f"{access_token}"},
            "cookie": {"Cookie": f"{self.access_cookie}={access_token}"},
        }
        with self.app.test_request_context("/User/Guarded", headers=headers[self.transport]) as context:
            call = begin_call(runtime_of(self.app).mounts["seven_g"])
            try:
                call.authenticate()
                answer = call.answer({})
            except AuthError as error:
                answer = self.app.make_response(self.app.handle_user_exception(error))
            return TestResponse(
                answer.response, answer.status, answer.headers, context.request, direct_passthrough=False
            )

    def current_refresh_token(self) -> str | None:
        """Return the refresh token that this client holds."""
        return self.refresh_token if self.transport == "header" else self._cookie(self.refresh_cookie)

    def current_access_token(self) -> str | None:
        """Return the access token that this client holds."""
        return self.access_token if self.transport == "header" else self._cookie(self.access_cookie)

    def get(self, path: str, **options: Any) -> TestResponse:
        """Make a GET request."""
        return self.http.get(path, headers=self._headers(options), base_url=ORIGIN, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        """Make a POST request, with the access token if there is one."""
        return self.http.post(path, json=body, headers=self._headers(options), base_url=ORIGIN, **options)

    def _headers(self, options: dict[str, Any]) -> dict[str, str]:
        headers: dict[str, str] = dict(options.pop("headers", {}))
        if self.access_token:
            headers.setdefault("Authorization", f"Bearer {self.access_token}")
        return headers

    def _cookie(self, name: str) -> str | None:
        cookie = self.http.get_cookie(name, domain="keyturn.example")
        return cookie.value if cookie else None

    def _keep(self, response: TestResponse) -> TestResponse:
        """Take over the tokens of an answer; in cookie mode the jar has done so already."""
        if response.status_code == 200:
            if self.transport == "header":
                body = response.get_json()
                self.access_token, self.refresh_token = body["accessToken"], body["refreshToken"]
            self._beside[self.current_refresh_token()] = self.current_access_token()
        return response


def assert_refused(response: TestResponse, status: int, message: str | None = None) -> None:
    """Check the whole envelope."""
    body = response.get_json()
    assert body == {
        "result": False,
        "message": message or body["message"],
        "recordCount": 0,
        "data": {},
    }
    assert body["message"]
    assert response.status_code == status
