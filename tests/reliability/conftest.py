"""Servers shared by the fault tests, and the figures they print at the end of the run."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.reliability.databases import fresh_database
from tests.reliability.server import Server, ServerFor, running_server

FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def server_for() -> Iterator[ServerFor]:
    """Give the service on a kind of database with a grace period in seconds, started when first asked for."""
    running: dict[tuple[str, int], Server] = {}
    with ExitStack() as stack:

        def find(kind: str, grace_seconds: int) -> Server:
            if (kind, grace_seconds) not in running:
                database_url = stack.enter_context(fresh_database(kind))
                settings = {"KEYTURN_REFRESH_GRACE_SECONDS": str(grace_seconds)}
                running[kind, grace_seconds] = stack.enter_context(running_server(database_url, settings))
            return running[kind, grace_seconds]

        yield find


@pytest.fixture
def figure(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Keep a line for the summary."""
    return pytestconfig.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if figures := config.stash.get(FIGURES, []):
        terminalreporter.section("reliability figures")
        terminalreporter.write_line("\n".join(figures))
        # The faults' own conftest calls this too.
        figures.clear()
