"""`flask --app wsgi` and gunicorn as programs: a refused configuration, and following events."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
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


def await_true(question, seconds=30):
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.05)


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
    assert result.stderr.count(REPORT) == 1
    assert "Traceback" not in result.stderr


@pytest.fixture
def start(tmp_path):
    """Start gunicorn with our configuration on an application of these lines, and end it with the test."""
    started = []

    def make(*lines, more=()):
        (tmp_path / "any_application.py").write_text("\n".join(lines))
        options = ("--config", "gunicorn.conf.py", "--bind", f"unix:{tmp_path / 'socket'}")
        files = ("--pid", str(tmp_path / "pid"), "--pythonpath", str(tmp_path))
        # As a script, which unlike a module can start itself again.
        command = (sys.executable, str(Path(sys.executable).with_name("gunicorn")), *options, *files, *more)
        process = subprocess.Popen(
            (*command, "any_application:app"),
            cwd=ROOT,
            # One worker: with the first answer, all have loaded the code as it was.
            env={**environment(), "PYTHONDONTWRITEBYTECODE": "1", "WEB_CONCURRENCY": "1"},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield make
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()


def test_an_application_that_refuses_leaves_no_pid_file_and_is_heard(start, tmp_path):
    gunicorn = start("raise SystemExit('there is no application today')")

    _, errors = gunicorn.communicate(timeout=60)

    assert gunicorn.returncode == 1
    assert errors.splitlines()[-1] == "there is no application today"
    assert list(tmp_path.glob("pid*")) == []


@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["to the master", "from the keyboard"])
def test_an_interruption_while_the_application_is_loaded_ends_gunicorn_quietly(start, tmp_path, send):
    loading = tmp_path / "loading"
    gunicorn = start(
        "import pathlib, time", f"pathlib.Path({str(loading)!r}).touch()", "time.sleep(30)", "app = None"
    )
    await_true(loading.exists)

    send(gunicorn.pid, signal.SIGINT)
    _, errors = gunicorn.communicate(timeout=20)

    assert gunicorn.returncode == 130, errors
    assert "Traceback" not in errors
    assert list(tmp_path.glob("pid*")) == []


ANSWERS = ("def app(environ, start_response):", "    start_response('204 No Content', [])", "    return []")


def answers(folder):
    with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
        connection.settimeout(10)
        connection.connect(str(folder / "socket"))
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return b" 204 " in connection.recv(100)
    return False


def test_a_request_may_last_longer_than_the_silence_of_a_worker(start, tmp_path):
    slow = ("import time", ANSWERS[0], "    time.sleep(5)", *ANSWERS[1:])
    gunicorn = start(*slow, more=("--timeout", "3"))

    await_true(lambda: answers(tmp_path))

    gunicorn.terminate()
    assert "WORKER TIMEOUT" not in gunicorn.communicate(timeout=30)[1]


@pytest.fixture
def serving_while_its_code_breaks(start, tmp_path):
    gunicorn = start(*ANSWERS)
    await_true(lambda: answers(tmp_path))
    (tmp_path / "any_application.py").write_text("raise RuntimeError('no such code')")
    return gunicorn


def test_a_reload_of_code_that_does_not_load_stops_the_service(serving_while_its_code_breaks, tmp_path):
    gunicorn = serving_while_its_code_breaks

    gunicorn.send_signal(signal.SIGHUP)
    _, errors = gunicorn.communicate(timeout=30)

    assert "no such code" in errors
    assert not answers(tmp_path)


def test_another_master_whose_code_does_not_load_leaves_the_old_one_serving(
    serving_while_its_code_breaks, tmp_path
):
    gunicorn = serving_while_its_code_breaks
    children = Path(f"/proc/{gunicorn.pid}/task/{gunicorn.pid}/children")

    for _ in range(2):
        # The second time shows that the first has left nothing in the way.
        gunicorn.send_signal(signal.SIGUSR2)
        assert any("RuntimeError: no such code" in line for line in gunicorn.stderr)
        # Until the old master has heard of its end, it starts no other.
        await_true(lambda: len(children.read_text().split()) == 1)
        assert not (tmp_path / "pid.2").exists()

    assert answers(tmp_path)
    assert (tmp_path / "pid").read_text() == f"{gunicorn.pid}\n"


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
