"""Collected by `make faults` only: these tests take minutes and start database servers of their own."""

import os
from collections.abc import Iterator

import pytest

from tests.reliability.clusters import MariaDb, PostgresCluster
from tests.reliability.conftest import figure, pytest_terminal_summary, server_for

__all__ = ["figure", "mariadb", "postgresql", "pytest_terminal_summary", "server_for"]

collect_ignore_glob = [] if os.environ.get("KEYTURN_TEST_FAULTS") else ["test_*.py"]


@pytest.fixture
def postgresql() -> Iterator[PostgresCluster]:
    """A cluster with Debian's defaults, which may be killed."""
    with PostgresCluster.running() as cluster:
        yield cluster


@pytest.fixture
def mariadb() -> Iterator[MariaDb]:
    """A server with MariaDB's defaults, which may be killed."""
    with MariaDb.running() as server:
        yield server
