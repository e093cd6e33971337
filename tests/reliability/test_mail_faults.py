"""A mail server that hangs or refuses is felt by nobody who waits for an answer."""

import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from flask import Flask

from app import create_app
from app.delivery import Outbox, mail_sender
from app.extensions import db
from tests.clients import ORIGIN, PASSWORD, AuthClient
from tests.conftest import SettingsFor
from tests.reliability.server import free_port

CHANGES = 30
# Below the ten seconds for which a sender waits; far above what a busy machine does by itself.
WORST_SECONDS = 5.0
# What guesses may differ by, of which a machine that is busy for a while makes all slower alike.
LIKENESS_SECONDS = 0.1


@pytest.fixture
def hanging() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as listener:
        yield f"smtp://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def refusing() -> str:
    return f"smtp://127.0.0.1:{free_port()}"


AppWithMail = Callable[[str], Flask]


@pytest.fixture
def app_with_mail(empty_database: None, settings_for: SettingsFor) -> Iterator[AppWithMail]:
    """Make an application that sends by SMTP in the background, as in production."""
    made: list[Flask] = []

    def make(url: str) -> Flask:
        outbox = Outbox(mail_sender(url, "Keyturn <no-reply@example.test>"), retry_delays=())
        app = create_app(settings_for(login_account_attempts=100, login_attempts=100), postbox=outbox)
        made.append(app)
        return app

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()


def _seconds_of_changes(client: AuthClient) -> list[float]:
    """Change the password again and again, of which a mail tells each time."""
    seconds, passwords = [], [PASSWORD, "quite another staple 8"]
    for _ in range(CHANGES):
        body = dict(zip(("currentPassword", "newPassword"), passwords, strict=True))
        began_at = time.monotonic()
        assert client.post("/auth/change-password", body).status_code == 200
        seconds.append(time.monotonic() - began_at)
        passwords.reverse()
        client.log_in(password=passwords[0])
    return seconds


def _seconds_of_guesses(client: AuthClient, *emails: str) -> list[float]:
    """Return for each of these people the median of wrong guesses at the password, made in turns."""
    seconds: list[list[float]] = [[] for _ in emails]
    for _ in range(CHANGES):
        for email, taken in zip(emails, seconds, strict=True):
            body = {"credentials": {"email": email, "password": "a wrong password"}}
            began_at = time.monotonic()
            assert client.http.post("/auth/login", json=body, base_url=ORIGIN).status_code == 401
            taken.append(time.monotonic() - began_at)
    return list(map(statistics.median, seconds))


@pytest.mark.parametrize("fault", ["hanging", "refusing"])
def test_requests_do_not_wait_for_mail(
    app_with_mail: AppWithMail, fault: str, request: pytest.FixtureRequest, figure: Callable[[str], None]
) -> None:
    client = AuthClient(app_with_mail(request.getfixturevalue(fault)), "header")
    client.sign_up()
    seconds = _seconds_of_changes(client)
    known, unknown = _seconds_of_guesses(client, "ada@example.test", "eve@x.test")

    assert max(seconds) < WORST_SECONDS
    assert abs(known - unknown) < LIKENESS_SECONDS
    figure(
        f"F26 mail server {fault}: {CHANGES} password changes, slowest {max(seconds) * 1000:.0f} ms; wrong "
        f"password, known address {known * 1000:.1f} ms, unknown {unknown * 1000:.1f} ms (medians)"
    )
