"""`make faults` installs the servers that it misses, and asks for nothing when all are there."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house.rules import ROOT

PROGRAMS = ("pg_ctlcluster", "mariadbd", "redis-server", "nginx", "pgbouncer", "rsync", "strace")
# The environment is there, since it runs this, and the tests are not to be run from within.
SPARED = ("--old-file=preconditions", "--old-file=.venv/.development", "RUN=true")


def installed_by_make_faults(folder: Path, programs: tuple[str, ...], library: Path) -> str:
    """Run it as an administrator of a machine with these programs; return what apt-get was asked for."""
    asked = folder / "asked"
    for program in programs:
        _program(folder, program, "")
    _program(folder, "id", "echo 0")
    _program(folder, "apt-get", f'echo "$@" >> {asked}')
    (folder / "true").symlink_to(shutil.which("true") or "")
    # MAKEFLAGS and the like are of the make that may have started the tests.
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    subprocess.run(
        [shutil.which("make") or "", *SPARED, f"GALERA={library}", "faults"],
        cwd=ROOT,
        env={**environment, "PATH": str(folder)},
        check=True,
        timeout=60,
    )
    return asked.read_text() if asked.exists() else ""


def _program(folder: Path, name: str, does: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "libgalera_smm.so"
    path.touch()
    return path


pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def test_nothing_is_installed_where_every_server_is_there(tmp_path: Path, library: Path) -> None:
    assert installed_by_make_faults(tmp_path, PROGRAMS, library) == ""


@pytest.mark.parametrize("missing", PROGRAMS)
def test_servers_are_installed_where_one_is_missing(tmp_path: Path, library: Path, missing: str) -> None:
    present = tuple(program for program in PROGRAMS if program != missing)

    assert "galera-4" in installed_by_make_faults(tmp_path, present, library)


def test_galera_is_installed_where_mariadb_is_there_without_it(tmp_path: Path) -> None:
    assert "galera-4" in installed_by_make_faults(tmp_path, PROGRAMS, tmp_path / "nowhere.so")
