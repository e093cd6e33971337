"""Connections that died while nobody looked: the database is up, so nobody is told that it is not."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from app.engine.errors import Unavailable
from app.extensions import db
from tests.clients import AuthClient
from tests.conftest import AppFor, Databases, runtime_of

DEAD = 8
# How a server is asked who is at the other end, told to hang up, and asked who is still there.
WHO = {"postgresql": "SELECT pg_backend_pid()", "mariadb": "SELECT connection_id()"}
KILL = {"postgresql": "SELECT pg_terminate_backend({})", "mariadb": "KILL {}"}
PRESENT = {
    "postgresql": "SELECT pid FROM pg_stat_activity",
    "mariadb": "SELECT id FROM information_schema.processlist",
}
on_servers = pytest.mark.parametrize("database_kind", ["postgresql", "mariadb"], indirect=True)

HangUp = Callable[[set[int]], None]


@pytest.fixture
def app(app_for: AppFor) -> Flask:
    return app_for(access_token_type="header", database_pool_size=DEAD + 1)


@pytest.fixture
def pool(app: Flask) -> Engine:
    with app.app_context():
        return db.engine


@pytest.fixture
def client(app: Flask) -> AuthClient:
    signed_in = AuthClient(app, "header")
    signed_in.sign_up()
    return signed_in


@pytest.fixture
def hang_up(databases: Databases, database_kind: str) -> HangUp:
    """Let the server hang up on connections, as a restart or a limit on idle ones would."""

    def kill(victims: set[int]) -> None:
        with databases(database_kind).connect() as server:
            for victim in victims:
                server.execute(text(KILL[database_kind].format(victim)))
            while victims & set(server.scalars(text(PRESENT[database_kind]))):
                server.rollback()
                time.sleep(0.01)

    return kill


@pytest.fixture
def held(pool: Engine) -> Iterator[Callable[[], bool]]:
    """Hold a connection of the pool that lives, as another thread would, and tell whether it still does."""
    with closing(pool.raw_connection()) as connection:
        cursor = connection.cursor()

        def lives() -> bool:
            cursor.execute("SELECT 1")
            return cursor.fetchall() is not None

        yield lives


@pytest.fixture
def dead(
    pool: Engine, client: AuthClient, held: Callable[[], bool], hang_up: HangUp, database_kind: str
) -> None:
    """Fill the pool with connections that have all been used, and let the server hang up on them."""
    with ExitStack() as lent:
        connections = [lent.enter_context(pool.connect()) for _ in range(DEAD)]
        victims = {connection.scalar(text(WHO[database_kind])) for connection in connections}
    hang_up(victims)


@on_servers
@pytest.mark.parametrize(
    "ask",
    [
        AuthClient.refresh,
        AuthClient.log_in,
        AuthClient.use,
        AuthClient.log_out,
        lambda client: client.get("/readyz"),
    ],
    ids=["refresh", "login", "guarded call", "logout", "readyz"],
)
def test_first_request_is_served_although_every_idle_connection_is_dead(ask, client, dead, pool, held):
    assert ask(client).status_code == 200
    assert pool.pool.checkedout() == 1
    assert held()


@on_servers
@pytest.mark.parametrize("ask", [AuthClient.refresh, AuthClient.log_in], ids=["by reading", "by beginning"])
def test_the_first_dead_connection_has_all_idle_ones_replaced(ask, client, dead, pool):
    assert ask(client).status_code == 200

    with ExitStack() as lent:
        for _ in range(DEAD):
            assert lent.enter_context(pool.connect()).scalar(text("SELECT 1")) == 1


@pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"], indirect=True)
def test_connection_that_is_closed_on_this_side_is_replaced_too(client, pool):
    """It has never lent a cursor, so that asking it for one is what fails."""
    pool.dispose()
    with closing(pool.raw_connection()) as connection:
        connection.dbapi_connection.close()

    assert client.refresh().status_code == 200
    assert pool.pool.checkedout() == 0


@on_servers
def test_work_whose_connection_dies_is_not_done_again(app, pool, hang_up, database_kind):
    """The database may have done it: whoever asked for it has to look."""
    runs = []

    def work(transaction):
        runs.append(transaction)
        hang_up({transaction.scalar(text(WHO[database_kind]))})
        transaction.execute(text("SELECT 1"))

    with pytest.raises(Unavailable):
        runtime_of(app).engine.database.transact(work)

    assert len(runs) == 1
    assert pool.pool.checkedout() == 0
