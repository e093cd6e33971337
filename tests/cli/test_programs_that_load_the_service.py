"""`flask --app wsgi` and gunicorn as programs: a refused configuration, and following events."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REPORT = (
    "The configuration has 2 problems:\n"
    "  KEYTURN_COLOUR: unknown setting. See docs/configuration.md. Correct the name or remove it.\n"
    "  KEYTURN_SECRET_KEY: is not set."
)
FLASK = (sys.executable, "-m", "flask", "--app", "wsgi")


def environment(**settings):
    others = {name: text for name, text in os.environ.items() if not name.startswith("KEYTURN_")}
    return {**others, **{f"KEYTURN_{name}": text for name, text in settings.items()}}


def run(*command, **settings):
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", [("check",), ("check", "--json"), ("users", "list"), ("--help",)])
def test_a_refused_configuration_is_reported_without_a_traceback(command):
    result = run(*FLASK, *command, COLOUR="red")

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(REPORT)
    assert "Traceback" not in result.stderr


def test_gunicorn_reports_it_too_and_gives_up():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    gunicorn = (sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "--bind", address)

    result = run(*gunicorn, "wsgi:app", COLOUR="red")

    assert result.returncode == 4
    assert REPORT in result.stderr
    assert "Traceback" not in result.stderr


def test_new_events_are_followed_until_interrupted(tmp_path):
    settings = {
        "ENV": "testing",
        "SECRET_KEY": "k7Qm2xVb9LpZr4TnWc6JdHs1YfGu8EaX3oNi5R0q",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'keyturn.sqlite3'}",
    }
    create = (*FLASK, "organizations", "create", "--name", "Any", "--slug")
    assert run(*FLASK, "db", "upgrade", **settings).returncode == 0
    assert run(*create, "first", **settings).returncode == 0
    tail = (*FLASK, "events", "tail", "--follow", "--json")
    with subprocess.Popen(
        tail, cwd=ROOT, env=environment(**settings), stdout=subprocess.PIPE, text=True
    ) as following:
        assert json.loads(following.stdout.readline())["id"] == 1
        assert run(*create, "second", **settings).returncode == 0
        assert json.loads(following.stdout.readline())["id"] == 2
        following.send_signal(signal.SIGINT)
        assert following.wait(timeout=20) == 0
