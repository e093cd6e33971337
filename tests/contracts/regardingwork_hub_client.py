"""A client with verbs that speaks regardingwork_hub, and what its refusals look like."""

from typing import Any

from werkzeug.test import TestResponse

from tests.clients import Device

BASE = "/api/auth"
USERNAME = "ada-example"
EMAIL = "ada@example.test"
PASSWORD = "correct horse battery 1"


class HubClient(Device):
    """A device that speaks regardingwork_hub."""

    refresh_path = f"{BASE}/refresh"
    access_cookie = "regardingwork_hub_access"
    refresh_cookie = "regardingwork_hub_refresh"
    access_field = "access_token"
    refresh_field = "refresh_token"

    def sign_up(self, username: str = USERNAME, email: str = EMAIL, **body: Any) -> TestResponse:
        """Create an account and keep its tokens."""
        whole = {"username": username, "email": email, "password": PASSWORD, **body}
        return self.keep(self.post(f"{BASE}/register", whole))

    def log_in(self, username: str = USERNAME, password: str = PASSWORD) -> TestResponse:
        """Open a session and keep its tokens."""
        return self.keep(self.post(f"{BASE}/login", {"username": username, "password": password}))

    def use(self) -> TestResponse:
        """Make a guarded call."""
        return self.get(f"{BASE}/me")

    def log_out(self) -> TestResponse:
        """End the session."""
        return self.post(f"{BASE}/logout")


def assert_refused(response: TestResponse, status: int, error: str | None = None) -> None:
    """Check the whole documented error body."""
    body = response.get_json()
    is_judged = status == 401 and response.request.path == f"{BASE}/validate"
    assert body == {"error": error or body["error"], **({"valid": False} if is_judged else {})}, body
    assert body["error"]
    assert response.status_code == status
