"""Rotations rewrite rows in place: no new row, and on PostgreSQL no index touched."""

import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from sqlalchemy import text

from app.engine.grant import Grant
from tests.conftest import on_every_database
from tests.engine.service import FIREFOX, Service

ROTATIONS = 1000
SESSIONS = 200
STATISTICS_SECONDS = 10.0

on_postgresql = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


class Updates(NamedTuple):
    total: int
    hot: int


@pytest.fixture
def service(service: Service) -> Service:
    service.person()
    service.change_policy(max_sessions_per_person=SESSIONS)
    return service


@pytest.fixture
def unattended(service: Service) -> Iterator[None]:
    """Keep PostgreSQL's own workers away: while one looks at the table, no old version of a row can go."""
    with service.pool.begin() as connection:
        connection.execute(text("ALTER TABLE sessions SET (autovacuum_enabled = false)"))
    yield
    with service.pool.begin() as connection:
        connection.execute(text("ALTER TABLE sessions RESET (autovacuum_enabled)"))


def open_sessions(service: Service, number: int) -> list[Grant]:
    """Open sessions of one person, whose password is checked once."""
    proof = service.prove()
    return [service.sessions.open(proof, service.policy, FIREFOX) for _ in range(number)]


def rotate(service: Service, grants: list[Grant]) -> None:
    """Rotate all of them in turn until there were enough rotations."""
    for _ in range(ROTATIONS // len(grants)):
        grants = [service.refresh(grant) for grant in grants]


def updates(service: Service, at_least: int = 0) -> Updates:
    """Read what PostgreSQL counted on `sessions`; connections report a moment after they are closed."""
    service.pool.dispose()
    deadline = time.monotonic() + STATISTICS_SECONDS
    while True:
        with service.pool.connect() as connection:
            counted = connection.execute(
                text("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'sessions'")
            ).one()
        if counted[0] >= at_least or time.monotonic() > deadline:
            return Updates(*counted)
        time.sleep(0.05)


@on_postgresql
@pytest.mark.usefixtures("unattended")
@pytest.mark.parametrize("sessions", [1, SESSIONS])
def test_rotations_are_updates_in_place(service: Service, sessions: int):
    size(service, vacuum="VACUUM FULL")
    grants = open_sessions(service, sessions)
    before = updates(service)

    rotate(service, grants)

    after = updates(service, at_least=before.total + ROTATIONS)
    assert after.total - before.total == ROTATIONS
    # A page whose old versions somebody may still want to see has no room now and then.
    assert after.hot - before.hot >= ROTATIONS * 0.9


@on_postgresql
@pytest.mark.usefixtures("unattended")
def test_the_table_is_as_large_after_many_rotations_as_before(service: Service):
    size(service, vacuum="VACUUM FULL")
    grants = open_sessions(service, SESSIONS)
    before = size(service)

    rotate(service, grants)

    # A page more or less is the database's business; a table that grew with its rotations would have doubled.
    assert size(service) <= before * 1.1


@on_every_database
def test_rotations_add_no_row_to_any_table(service: Service):
    grants = open_sessions(service, 2)
    before = service.sessions.count(), len(service.events())

    for _ in range(50):
        grants = [service.refresh(grant) for grant in grants]

    assert (service.sessions.count(), len(service.events())) == before


def size(service: Service, vacuum: str = "VACUUM") -> int:
    """Return the bytes of the table and its indexes, vacuumed."""
    with service.pool.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql(f"{vacuum} sessions")
        return int(connection.scalar(text("SELECT pg_total_relation_size('sessions')")) or 0)
