"""A disk without room or without permission to write: refused for the moment, and nothing is broken."""

import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask

from app.extensions import db
from tests.clients import AuthClient
from tests.conftest import AppFor
from tests.reliability.databases import connected

DISK_BYTES = 4 * 1024 * 1024
SESSIONS = 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own; mounting one takes root."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "keyturn-test", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a disk of a test's own cannot be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def _app(app_for: AppFor, disk: Path) -> Flask:
    url = f"sqlite:///{disk / 'keyturn.db'}"
    with connected(url):
        return app_for(database_url=url, database_lock_timeout_seconds=1)


def _sign_in_many(app: Flask) -> list[AuthClient]:
    devices = [AuthClient(app, "header") for _ in range(SESSIONS)]
    for number, device in enumerate(devices):
        assert device.sign_up(f"person-{number}@example.test").status_code == 200
    return devices


def _fill(disk: Path) -> Path:
    """Write until nothing more fits."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return ballast


def _integrity(disk: Path) -> str:
    with closing(sqlite3.connect(disk / "keyturn.db")) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])


def test_full_disk_refuses_for_the_moment_and_loses_no_session(
    app_for: AppFor, disk: Path, figure: Callable[[str], None]
) -> None:
    app = _app(app_for, disk)
    devices = _sign_in_many(app)
    ballast = _fill(disk)
    statuses = []
    for number in range(200):
        statuses.append(devices[number % SESSIONS].another_device().sign_up(f"late-{number}@example.test"))
        statuses.append(devices[number % SESSIONS].refresh())
    answers = [answer.status_code for answer in statuses]
    assert set(answers) <= {200, 201, 503}
    assert answers.count(503) > len(answers) // 2

    ballast.unlink()
    assert _integrity(disk) == "ok"
    assert {device.refresh().status_code for device in devices} == {200}
    assert devices[0].another_device().sign_up("later@example.test").status_code in {200, 201}
    figure(
        f"F19 sqlite, disk full: {answers.count(503)} of {len(answers)} requests 503, 0 other errors, "
        f"integrity ok, {SESSIONS} of {SESSIONS} sessions alive after room was made"
    )


def test_read_only_disk_refuses_for_the_moment_and_loses_no_session(
    app_for: AppFor, disk: Path, figure: Callable[[str], None]
) -> None:
    app = _app(app_for, disk)
    devices = _sign_in_many(app)
    _hang_up(app)
    _remount(disk, "ro")
    answers = [device.refresh().status_code for device in devices]
    _hang_up(app)
    _remount(disk, "rw")

    assert set(answers) == {503}
    assert _integrity(disk) == "ok"
    assert {device.refresh().status_code for device in devices} == {200}
    figure(f"F19 sqlite, disk read-only: {SESSIONS} refreshes 503, all {SESSIONS} sessions alive afterwards")


def _hang_up(app: Flask) -> None:
    """Close every file: a disk cannot be made read-only under files that are open for writing."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def _remount(disk: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(disk)], check=True)
