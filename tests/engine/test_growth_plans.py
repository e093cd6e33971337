"""What a login, a refresh, a guard and the session list look up, an index finds; no table is read through.

The plans are those of the statements as they run, on tables large enough for an index to be worth it.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy
from sqlalchemy import event, insert

from app.engine.grant import Grant
from app.models import SecurityEvent, Session, User
from tests.engine.service import FIREFOX, Service
from tests.engine.statements import recorded_statements

PEOPLE, SESSIONS_EACH, EVENTS = 2000, 3, 2000
PLANNED = ("SELECT", "UPDATE", "DELETE")
# Every person's rows in these tables; the others (login throttles, memberships) are empty here.
LARGE = {"users", "sessions", "security_events"}

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"], indirect=True)

Action = Callable[[Service, Grant], Any]


@pytest.fixture
def grant(service: Service) -> Grant:
    """One session of one person among many others."""
    service.person()
    grant = service.log_in()
    crowd(service, grant)
    return grant


def crowd(service: Service, grant: Grant) -> None:
    """Fill the tables with other people, their sessions and what happened to them."""
    person, session = like(service, User, grant.person.id), service.row(grant)._asdict()
    with service.pool.connect() as connection:
        first = grant.person.id + 1
        people = [
            person | {"id": first + number, "uuid": uuid4(), "email": f"{number}@example.test"}
            for number in range(PEOPLE)
        ]
        connection.execute(insert(User), people)
        others = [one["id"] for one in people for _ in range(SESSIONS_EACH)]
        connection.execute(insert(Session), [session | {"id": uuid4(), "user_id": one} for one in others])
        happened = {"occurred_at": session["created_at"], "kind": "session:login:succeeded"}
        connection.execute(
            insert(SecurityEvent),
            [happened | {"actor": "person", "details": {}, "user_id": first + n} for n in range(EVENTS)],
        )
        connection.commit()
    with service.pool.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        # Statistics belong to the transaction; without them those of an earlier, smaller table would hold.
        connection.commit()


def like(service: Service, model: type[User], key: int) -> dict[str, Any]:
    table = model.__table__
    with service.pool.connect() as connection:
        row = connection.execute(sqlalchemy.select(table).where(table.c.id == key)).one()
    return row._asdict()


ACTIONS: dict[str, Action] = {
    "log in": lambda service, _: service.log_in(),
    "log in with a wrong password": lambda service, _: service.fail_to_log_in(),
    "refresh": lambda service, grant: service.refresh(grant),
    "guard": lambda service, grant: service.use(grant),
    "list sessions": lambda service, grant: service.sessions.list_live(grant.person.id),
    "end one session": lambda service, grant: service.sessions.end_own(
        grant.person.id, grant.session.id, FIREFOX
    ),
    "end the other sessions": lambda service, grant: service.sessions.end_others(
        grant.person.id, grant.session.id, FIREFOX
    ),
    "end all sessions": lambda service, grant: service.sessions.end_all(grant.person.id, FIREFOX),
}


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS.keys())
def test_no_large_table_is_read_through(service: Service, grant: Grant, action: Action):
    with explained_statements(service.pool) as scanned:
        action(service, grant)

    assert scanned
    assert {name: tables & LARGE for name, tables in scanned.items() if tables & LARGE} == {}


@contextmanager
def explained_statements(pool: sqlalchemy.Engine) -> Iterator[dict[str, set[str]]]:
    """Collect, by statement, the tables that its plan reads from one end to the other."""
    if pool.dialect.name == "sqlite":
        scanned: dict[str, set[str]] = {}
        with recorded_statements(pool) as statements:
            yield scanned
        with sqlite3.connect(str(pool.url.database)) as connection:
            for statement in statements:
                if statement.startswith(PLANNED):
                    scanned[statement] = _scanned_by_sqlite(connection, statement)
        return
    with _postgresql_plans(pool) as plans:
        yield plans


def _scanned_by_sqlite(connection: sqlite3.Connection, statement: str) -> set[str]:
    plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}")
    steps = [str(row[3]).split() for row in plan]
    # A SEARCH goes to a place in an index; a SCAN goes through a table or an index from its beginning.
    return {words[1] for words in steps if words[0] == "SCAN"}


@contextmanager
def _postgresql_plans(pool: sqlalchemy.Engine) -> Iterator[dict[str, set[str]]]:
    """Let the driver ask for the plan of each statement just before it runs it."""
    scanned: dict[str, set[str]] = {}

    class ExplainingCursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            if str(query).startswith(PLANNED):
                super().execute(f"EXPLAIN (FORMAT JSON) {query}", params)
                scanned[str(query)] = _scanned_by_postgresql((self.fetchone() or [[]])[0][0]["Plan"])
            return super().execute(query, params, **options)

    def watch(connection: psycopg.Connection[Any], _record: object, _proxy: object) -> None:
        connection.cursor_factory = ExplainingCursor

    pool.dispose()
    event.listen(pool, "checkout", watch)
    try:
        yield scanned
    finally:
        event.remove(pool, "checkout", watch)
        pool.dispose()


def _scanned_by_postgresql(node: dict[str, Any]) -> set[str]:
    below = [_scanned_by_postgresql(child) for child in node.get("Plans", [])]
    # Without a condition even an index scan goes through everything.
    is_scan = node["Node Type"] == "Seq Scan" or (
        node["Node Type"].startswith("Index") and "Index Cond" not in node
    )
    here = {node["Relation Name"]} if is_scan else set()
    return here.union(*below)
