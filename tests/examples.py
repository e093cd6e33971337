"""The examples, each started by its own command on a port and databases of its own."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.reliability.databases import is_absent
from tests.reliability.server import ROOT, free_port, service_environment

# The targets, and where each application lives.
EXAMPLES = {"example-server": "examples/server_rendered", "example-spa": "examples/spa"}
# Long enough that what a page loads at once comes within one life on a slow machine.
ACCESS_SECONDS = 3
_START_SECONDS = 60


@dataclass(frozen=True)
class Example:
    """A running example."""

    url: str
    database_url: str


@contextmanager
def running_example(target: str) -> Iterator[Example]:
    """Run `make` with a target until the block ends; skips the test where there is no make."""
    if shutil.which("make") is None:
        is_absent("make is not installed")
    with TemporaryDirectory(prefix="keyturn-example-") as name:
        directory, port = Path(name), free_port()
        example = Example(f"http://127.0.0.1:{port}", f"sqlite:///{directory / 'keyturn.sqlite3'}")
        log = directory / "log"
        with log.open("wb") as output:
            make = subprocess.Popen(
                [*_command(target), f"PORT={port}"],
                cwd=ROOT,
                env=_environment(example, directory),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            _await(make, example.url, log)
            yield example
        finally:
            _end(make)


def _command(target: str) -> list[str]:
    # What there is to install is here, or this would not run; and it may be elsewhere than in .venv.
    installed = ["--old-file", ".venv/.runtime", f"RUN={sys.executable} -m"]
    return ["make", "--no-print-directory", *installed, target]


def _environment(example: Example, directory: Path) -> dict[str, str]:
    lifetime = {"KEYTURN_ACCESS_TOKEN_SECONDS": str(ACCESS_SECONDS)}
    environment = service_environment(example.database_url, lifetime)
    # Those are of the make that may have started the tests.
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        environment.pop(name, None)
    own = {f"{name}_DATABASE": str(directory / "own.sqlite3") for name in ("NOTEBOOK", "TASKS")}
    return {**environment, **own}


def _await(make: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=5):
            return
        if make.poll() is not None or time.monotonic() > deadline:
            message = f"the example did not start:\n{log.read_text()[-4000:]}"
            raise RuntimeError(message)
        time.sleep(0.1)


def _end(make: subprocess.Popen[bytes]) -> None:
    """Ask make and what it started to end, and insist."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(make.pid, number)
        with suppress(subprocess.TimeoutExpired):
            make.wait(timeout=10)
