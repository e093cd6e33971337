"""The service dies at every database call of an operation; after the restart everything it said is true."""

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.reliability.crashing import CRASHES
from tests.reliability.databases import fresh_database
from tests.reliability.history import History, Invocation
from tests.reliability.promises import PATIENT_GRACE, assert_promises_held
from tests.reliability.server import ROOT, migrate, service_environment


@pytest.mark.parametrize("operation", CRASHES)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_crash_at_every_database_call_breaks_no_promise(
    kind: str, operation: str, figure: Callable[[str], None]
) -> None:
    with fresh_database(kind) as database_url:
        environment = service_environment(database_url, {})
        migrate(environment)
        command = [sys.executable, "-m", "tests.reliability.crashing", operation]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr[-4000:]
        *lines, end = [line for line in done.stdout.splitlines() if line.startswith("{")]
        result = json.loads(end)
        assert not result["broken"]
        held = assert_promises_held(History(map(Invocation.from_json, lines)), database_url, PATIENT_GRACE)
    figure(f"F6 {kind}, {operation}: {result['points']} points crashed, 0 broke, {held}")
