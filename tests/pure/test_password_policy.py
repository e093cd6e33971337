"""Which new passwords are refused, and what a source of breached passwords gets to see."""

import hashlib
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.engine.breached_passwords import BreachedRange, breached_range
from app.engine.errors import PasswordRefused
from app.engine.password_rules import PasswordRules
from app.engine.passwords import Passwords
from config import PasswordSettings

PASSWORD = "correct horse battery"
DIGEST = hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).hexdigest().upper()
SETTINGS = PasswordSettings(
    minimum_length=8,
    maximum_length=128,
    strength=2,
    breached_url=None,
    reset_lifetime=timedelta(hours=1),
    argon2_memory_kib=8,
    argon2_iterations=1,
    argon2_parallelism=1,
    hash_concurrency=1,
)
RULES = PasswordRules(minimum_length=8, maximum_length=128)


def check(password: str, *context: str, breached: BreachedRange | None = None) -> str:
    try:
        Passwords(SETTINGS, breached).check_policy(password, *context)
    except PasswordRefused as refused:
        return refused.reason
    return "accepted"


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (7, "password must be at least 8 characters"),
        (8, "accepted"),
        (64, "accepted"),
        (128, "accepted"),
        (129, "password must be at most 128 characters"),
    ],
)
def test_length_is_counted_in_characters_and_nothing_else_is_asked(length: int, expected: str):
    letters = "qzjxkvwpéürtoslmqnaeirbcd".ljust(20)
    assert check((letters * 7)[:length]) == expected


@pytest.mark.parametrize(
    "password", ["password1", "12345678", "qwertyuiop", "Passw0rd!", "aaaaaaaaaaaa", "letmein12"]
)
def test_common_password_is_refused(password: str):
    assert check(password) == "password is too common or too easy to guess"


@pytest.mark.parametrize("password", ["lovelace1", "Lovelace!", "keyturn1", "analytical1"])
def test_password_made_from_its_context_is_refused(password: str):
    assert check(password, "ada@analytical.example", "Ada Lovelace") != "accepted"


def test_ones_own_address_is_refused():
    assert check("Ada@Example.test", "ada@example.test") == "password must not be your own name or address"


def test_breached_password_is_refused_and_only_five_digits_of_its_hash_are_sent():
    asked = []

    def source(prefix: str) -> list[str]:
        asked.append(prefix)
        return ["0" * 35 + ":9", f"{DIGEST[5:].lower()}:2"]

    assert check(PASSWORD, breached=source) == "password is known from a data breach"
    assert asked == [DIGEST[:5]]


def test_padding_is_no_breach():
    assert check(PASSWORD, breached=lambda _prefix: [f"{DIGEST[5:]}:0"]) == "accepted"


def test_password_passes_while_the_source_is_away():
    def away(_prefix: str) -> list[str]:
        raise TimeoutError

    assert check(PASSWORD, breached=away) == "accepted"


@pytest.mark.parametrize("name", [DIGEST[:5], f"{DIGEST[:5]}.txt"])
@pytest.mark.parametrize("form", ["file:{}", "file://{}"])
def test_folder_of_files_is_a_source(tmp_path: Path, form: str, name: str):
    source = breached_range(form.format(tmp_path))
    (tmp_path / name).write_text("\n")
    assert check(PASSWORD, breached=source) == "accepted"
    (tmp_path / name).write_text(f"{DIGEST[5:]}:7\r\n")
    assert check(PASSWORD, breached=source) == "password is known from a data breach"


@pytest.mark.parametrize("folder", [".", "absent"])
def test_folder_or_file_that_is_missing_is_told_of_in_the_log(
    tmp_path: Path, folder: str, caplog: pytest.LogCaptureFixture
):
    assert check(PASSWORD, breached=breached_range(f"file:{tmp_path / folder}")) == "accepted"
    assert caplog.messages == ["the source of breached passwords is away: FileNotFoundError"]


@pytest.fixture
def range_server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == f"/range/{DIGEST[:5]}" else 404)
            self.end_headers()
            self.wfile.write(f"{DIGEST[5:]}:7\r\n".encode())

        def log_message(self, *_arguments: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/range/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_service_that_answers_by_prefix_is_a_source(range_server: str):
    source = breached_range(range_server)
    assert check(PASSWORD, breached=source) == "password is known from a data breach"
    assert check("another horse battery", breached=source) == "accepted"


def test_organization_makes_the_rules_stricter_and_never_laxer():
    theirs = {"password": {"minimum_length": 12, "digit": True, "expiration_days": 90}}
    rules = RULES.with_organization(theirs).with_organization({"password": {"minimum_length": 8}})
    assert (rules.minimum_length, rules.digit, rules.expires_after) == (12, True, timedelta(days=90))
    assert rules.with_organization({"password": {"expiration_days": 30}}).expires_after == timedelta(days=30)
    assert RULES.with_organization({}) == RULES


def test_every_violation_is_told():
    rules = PasswordRules(
        minimum_length=12, maximum_length=128, uppercase=True, lowercase=True, digit=True, special=True
    )
    assert len(rules.violations("ß")) == 4
    assert rules.violations("Correct Horse 1") == []
