"""The service dies at each database call of an operation; after the restart everything it said is true.

The calls are nearly the same on every database, so the two servers share out what SQLite has all of.
`KEYTURN_TEST_FAULTS=1` tries all points on all three.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.reliability.crash_scenarios import CRASHES
from tests.reliability.databases import fresh_database
from tests.reliability.history import History, Invocation
from tests.reliability.promises import PATIENT_GRACE, assert_promises_held
from tests.reliability.server import ROOT, migrate, service_environment

# The first point and the step from one to the next.
POINTS = {"sqlite": (1, 1), "postgresql": (1, 3), "mariadb": (2, 3)}
if os.environ.get("KEYTURN_TEST_FAULTS"):
    POINTS = dict.fromkeys(POINTS, (1, 1))


@dataclass(frozen=True)
class Crashes:
    """What came of it on one database; each operation had a person of its own there."""

    kind: str
    database_url: str
    found: Mapping[str, Any]


@pytest.fixture(scope="module", params=POINTS)
def crashes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashes]:
    settings = {
        "KEYTURN_MAIL_URL": f"file:{tmp_path_factory.mktemp('mails') / 'mails'}",
        "KEYTURN_MESSAGES_PER_HOUR": "100",
    }
    command = [sys.executable, "-m", "tests.reliability.crash_scenarios", *map(str, POINTS[request.param])]
    with fresh_database(request.param) as database_url:
        environment = service_environment(database_url, settings)
        migrate(environment)
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr[-4000:]
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        yield Crashes(request.param, database_url, {line["operation"]: line for line in lines})


@pytest.mark.parametrize("operation", CRASHES)
def test_crash_at_a_database_call_breaks_no_promise(
    crashes: Crashes, operation: str, figure: Callable[[str], None]
) -> None:
    found, (_, stride) = crashes.found[operation], POINTS[crashes.kind]
    assert not found["broken"]
    history = History(map(Invocation.from_json, found["history"]))
    held = assert_promises_held(history, crashes.database_url, PATIENT_GRACE)
    each = "each point" if stride == 1 else f"1 point in {stride}"
    figure(f"F6 {crashes.kind}, {operation}: {each}, {found['points']} crashed, 0 broke, {held}")
