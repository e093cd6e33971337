"""A database that another process has locked: nothing is spent, nobody is logged out, a retry wins."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event, make_url

from app.engine.errors import Unavailable
from tests.engine.conftest import ServiceFor
from tests.engine.service import FIREFOX, Service

PATIENCE = "PRAGMA busy_timeout=50"


@pytest.fixture
def service(service: Service) -> Service:
    """Wait a moment only for the lock, less than any setting allows."""
    service.person()
    service.pool.dispose()
    event.listen(service.pool, "connect", lambda connection, _: connection.execute(PATIENCE).close())
    return service


@contextmanager
def locked(service: Service) -> Iterator[None]:
    """Hold SQLite's one write lock, as a backup or a long command would."""
    connection = sqlite3.connect(make_url(service.pool.url).database or "", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


def test_a_refresh_on_a_locked_database_spends_nothing_and_the_retry_wins(service: Service):
    grant = service.log_in()
    before = service.row(grant)

    with locked(service), pytest.raises(Unavailable):
        service.refresh(grant)

    assert service.row(grant) == before
    assert service.refresh(grant).session.generation == 2


def test_a_repeat_on_a_locked_database_may_be_tried_again(service: Service):
    first = service.log_in()
    second = service.refresh(first)

    with locked(service), pytest.raises(Unavailable):
        service.refresh(first)

    assert service.refresh(first).refresh_token == second.refresh_token


def test_a_guarded_request_goes_on_although_its_mark_cannot_be_written(service: Service):
    grant = service.log_in()

    with locked(service):
        snapshot = service.use(grant)

    assert snapshot.session.id == grant.session.id
    assert service.row(grant).seen_generation == 0
    service.use(grant)
    assert service.row(grant).seen_generation == 1


@pytest.mark.parametrize(
    "act",
    [
        lambda service, _: service.log_in(),
        lambda service, grant: service.sessions.end(grant.session.id, FIREFOX),
        lambda service, grant: service.sessions.end_all(grant.person.id, FIREFOX),
        lambda service, grant: service.accounts.suspend(grant.person.id),
    ],
    ids=["login", "logout", "logout everywhere", "suspension"],
)
def test_everything_else_is_refused_for_the_moment_and_changes_nothing(
    service: Service, act: Callable[..., object]
):
    grant = service.log_in()

    with locked(service), pytest.raises(Unavailable):
        act(service, grant)

    assert service.row(grant).revoked_at is None
    assert service.sessions.count() == 1
    act(service, grant)


def test_a_database_that_is_gone_is_unavailable_and_says_nothing_about_the_session(
    service: Service, service_for: ServiceFor
):
    grant = service.log_in()
    elsewhere = service_for(database_url="sqlite:////nowhere/at/all.db")

    for act in (elsewhere.refresh, elsewhere.use):
        with pytest.raises(Unavailable):
            act(grant)
