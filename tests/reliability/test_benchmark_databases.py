"""A benchmark runs on a fresh machine: with no PostgreSQL that it may use, it starts one of its own."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.reliability.clusters import require
from tests.reliability.server import ROOT


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder for temporary files in which the server's own user finds its way."""
    made = Path(mkdtemp(prefix="keyturn-benchmark-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def test_a_benchmark_starts_a_postgresql_of_its_own_and_leaves_nothing_behind(folder: Path) -> None:
    require("pg_ctl", "postgresql")
    others = {name: text for name, text in os.environ.items() if name != "BENCHMARK_POSTGRESQL_URL"}
    # Whatever answers on the usual port knows nobody of this name.
    environment = {**others, "PGUSER": "nobody_of_that_name", "TMPDIR": str(folder)}
    command = [sys.executable, "benchmarks/fillfactor.py", "--sessions", "20", "100"]

    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )

    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1].startswith("| 100 | ")
    assert re.match(r"Started a PostgreSQL of our own on port \d+;", result.stderr)
    assert list(folder.iterdir()) == []
