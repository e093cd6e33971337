"""A client with verbs that speaks seven_g, and what its refusals look like."""

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from app.engine.accounts import Registration
from app.engine.errors import AuthError
from app.http.current import begin_call
from tests.clients import PASSWORD, Device
from tests.conftest import runtime_of

USERNAME = "svc-reporting"


class SevenGClient(Device):
    """A device that speaks seven_g. It remembers which access token came with which refresh token."""

    refresh_path = "/User/RefreshToken"
    access_cookie = "seven_g_access"
    refresh_cookie = "seven_g_refresh"

    def __init__(self, app: Flask, transport: str) -> None:
        super().__init__(app, transport)
        self._beside: dict[str | None, str | None] = {}

    def sign_up(self, username: str = USERNAME, **registration: Any) -> TestResponse:
        """Provision an account, which this contract leaves to the operator, and log in."""
        whole = Registration(username=username, password=PASSWORD, **registration)
        runtime_of(self.app).engine.accounts.register(whole, None)
        return self.log_in(username)

    def log_in(self, username: str = USERNAME, password: str = PASSWORD) -> TestResponse:
        """Open a session and keep its tokens."""
        return self.keep(self.post("/User/Login", {"username": username, "password": password}))

    def present(self, refresh_token: str | None) -> TestResponse:
        """Present a refresh token with the access token it came with, without keeping what comes back."""
        return self.present_both(self._beside.get(refresh_token, self.current_access_token()), refresh_token)

    def present_both(self, access_token: str | None, refresh_token: str | None) -> TestResponse:
        """Present two tokens by this transport, without keeping what comes back."""
        other = self.another_device()
        other.hold(access_token=access_token, refresh_token=refresh_token)
        return other.exchange(other.refresh_token)

    def exchange(self, refresh_token: str | None) -> TestResponse:
        """Make the refresh request, with the access token beside it."""
        return self.post(self.refresh_path, self._exchanged(refresh_token))

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
            runtime = runtime_of(self.app)
            call = begin_call(context.request, runtime, runtime.mounts["seven_g"])
            try:
                call.authenticate()
                answer = call.answer({})
            except AuthError as error:
                answer = self.app.make_response(self.app.handle_user_exception(error))
            return TestResponse(
                answer.response, answer.status, answer.headers, context.request, direct_passthrough=False
            )

    def keep(self, response: TestResponse) -> TestResponse:
        """Take over the tokens of an answer and remember which came together."""
        if super().keep(response).status_code == 200:
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
