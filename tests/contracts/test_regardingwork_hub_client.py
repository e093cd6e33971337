"""The documented `makeAuthenticatedRequest`, run by Node against the service under gunicorn."""

import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.databases import fresh_database
from tests.reliability.server import Server, running_server

CLIENT = Path(__file__).with_name("hub_client.mjs")
# Long enough that what follows a refresh at once is in time on a slow machine.
ACCESS_SECONDS = 3
PASSWORD = "correct horse battery 1"
ME, REFRESH = "/api/auth/me", "/api/auth/refresh"


class Page:
    """A page of the system's own site, open in a browser that Node plays."""

    def __init__(self, node: "subprocess.Popen[str]") -> None:
        self._node = node

    def order(self, *order: object) -> dict[str, Any]:
        """Return status and body of the answer, the calls made for it, what is stored and the location."""
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.write(json.dumps(order) + "\n")
        self._node.stdin.flush()
        answer: dict[str, Any] = json.loads(self._node.stdout.readline())
        return answer


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if not shutil.which("node"):
        if os.environ.get("KEYTURN_TEST_SERVICES") == "required":
            pytest.fail("node is not installed")
        pytest.skip("node is not installed")
    settings = {
        "KEYTURN_CONTRACTS": "regardingwork_hub",
        "KEYTURN_ACCESS_TOKEN_TYPE": "header",
        "KEYTURN_ACCESS_TOKEN_SECONDS": str(ACCESS_SECONDS),
    }
    with fresh_database("sqlite") as database_url, running_server(database_url, settings) as server:
        person = ("--email", "ada@example.test", "--username", "ada-example", "--password", PASSWORD)
        server.flask("users", "create", *person)
        yield server


@pytest.fixture
def page(server: Server) -> Iterator[Page]:
    """A page on which Ada has logged in."""
    command = ["node", str(CLIENT), server.base_url]
    node = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with node:
        page = Page(node)
        assert page.order("login", "ada-example", PASSWORD)["status"] == 200
        yield page
        assert node.stdin is not None
        node.stdin.close()
        node.wait(10)


def test_request_with_a_good_token_is_made_once(page: Page):
    answer = page.order("request", ME)

    assert answer["status"] == 200
    assert answer["body"]["user"]["username"] == "ada-example"
    assert answer["calls"] == [[ME, 200]]


def test_expired_token_is_refreshed_once_and_the_request_retried_once(page: Page):
    """[seed] Client habit: on 401 from any call refresh once, store both tokens, retry once"""
    before = page.order("request", ME)["stored"]
    time.sleep(ACCESS_SECONDS)

    answer = page.order("request", ME)

    assert answer["status"] == 200
    assert answer["calls"] == [[ME, 401], [REFRESH, 200], [ME, 200]]
    assert answer["location"] == "/home"
    assert all(answer["stored"][name] != before[name] for name in ("access_token", "refresh_token"))


def test_person_stays_signed_in_over_several_expiries(page: Page):
    for _ in range(2):
        time.sleep(ACCESS_SECONDS)
        assert page.order("request", ME)["calls"][1:] == [[REFRESH, 200], [ME, 200]]


def test_parallel_requests_that_all_refresh_leave_the_person_signed_in(page: Page):
    time.sleep(ACCESS_SECONDS)

    together = page.order("requests", ME, 6)

    assert sorted(status for address, status in together["calls"] if address == REFRESH) == [200] * 6
    assert together["status"] == 200
    time.sleep(ACCESS_SECONDS)
    assert page.order("request", ME)["status"] == 200


def test_refresh_that_fails_leads_to_the_login_page(page: Page):
    """[seed] Client habit: on a failed refresh go to login"""
    page.order("hold", "refresh_token", "not a token")
    page.order("hold", "access_token", "not a token")

    answer = page.order("request", ME)

    assert answer["calls"] == [[ME, 401], [REFRESH, 401]]
    assert (answer["location"], answer["stored"]) == ("/login", {})


def test_logout_is_final_for_both_tokens(page: Page):
    held = page.order("request", "/api/auth/logout", {"method": "POST"})

    assert held["body"] == {"message": "Logged out successfully"}
    assert page.order("request", ME)["calls"] == [[ME, 401], [REFRESH, 401]]


def test_outage_is_no_401_so_the_page_keeps_its_tokens(page: Page, server: Server):
    before = page.order("request", ME)["stored"]
    database = sqlite3.connect(server.database_url.removeprefix("sqlite:///"))
    database.execute("ALTER TABLE sessions RENAME TO elsewhere")

    answer = page.order("request", ME)

    database.execute("ALTER TABLE elsewhere RENAME TO sessions")
    database.close()
    assert (answer["status"], answer["calls"]) == (503, [[ME, 503]])
    assert (answer["stored"], answer["location"]) == (before, "/home")
    assert page.order("request", ME)["status"] == 200
