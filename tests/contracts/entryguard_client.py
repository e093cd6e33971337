"""A client with verbs that speaks entryguard, and what its refusals look like."""

from http import HTTPStatus
from typing import Any

from werkzeug.test import TestResponse

from tests.clients import ORIGIN, PASSWORD, Device

BASE = "/api/v1/auth"
EMAIL = "ada@example.test"
SLUG = "example-works"


class EntryGuardClient(Device):
    """A device that speaks entryguard."""

    refresh_path = f"{BASE}/refresh"
    access_cookie = "entryguard_access"
    refresh_cookie = "entryguard_refresh"

    def sign_up(self, email: str = EMAIL, organization: str = "Example Works", **body: Any) -> TestResponse:
        """Register an organization with this person as administrator and keep the tokens."""
        whole = {"organizationName": organization, "email": email, "password": PASSWORD, **body}
        return self.keep(self.post(f"{BASE}/register", whole))

    def log_in(self, email: str = EMAIL, password: str = PASSWORD, slug: str = SLUG) -> TestResponse:
        """Open a session and keep its tokens."""
        body = {"organizationSlug": slug, "email": email, "password": password}
        return self.keep(self.post(f"{BASE}/login", body))

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
