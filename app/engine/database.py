"""Transactions on SQLite, PostgreSQL and MariaDB that end in a result, an `AuthError` or `Unavailable`.

Connections are in driver-level autocommit, so a single statement costs one round trip; a transaction opens
itself with an explicit BEGIN. The rest of the engine sees no driver, no pool and no database error.
"""

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    Engine,
    ExceptionContext,
    PoolProxiedConnection,
    TextClause,
    create_engine,
    event,
    text,
)
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session as Transaction
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from app.engine.errors import InvalidRequest, Unavailable
from app.engine.impatience import limit_answers
from app.engine.statements import Prepared

Result = TypeVar("Result")

ATTEMPTS = 5
_PAUSE_SECONDS = 0.01
# A connection that dies later than this has hung until a time limit, and the next one would too.
_PATIENCE_SECONDS = 1.0
_CURSOR = "keyturn_cursor"
_MADE_AT = "keyturn_made_at"

# With the write-ahead log, FULL syncs it at each commit and NORMAL at checkpoints only.
_SQLITE_DURABLE = "PRAGMA synchronous=FULL"
_SQLITE_ASYNCHRONOUS = "PRAGMA synchronous=NORMAL"

_PER_CONNECTION = {
    # Readers go on beside a writer.
    "sqlite": ("PRAGMA journal_mode=WAL", "PRAGMA foreign_keys=ON"),
    # A condition must see what others have committed, as it does on the other databases.
    "mysql": ("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", "SET SESSION time_zone='+00:00'"),
}
_PER_CONNECTION["mariadb"] = _PER_CONNECTION["mysql"]
# A replica lags behind: sessions that have ended are live there, and what only reads would be granted. With
# PostgreSQL the driver connects to none; MariaDB is asked, and says at a change that it has become one.
_IS_READ_ONLY = {"mysql": "SELECT @@global.read_only"}
_IS_READ_ONLY["mariadb"] = _IS_READ_ONLY["mysql"]
_READ_ONLY_MARIADB_ERROR = 1290

# Serialization failure and deadlock: the database says that it rolled back, so doing it again is safe. A lock
# that was waited for in vain (MariaDB's 1205) is not among them: the request has waited long enough.
_ROLLED_BACK_SQLSTATES = {"40001", "40P01"}
_ROLLED_BACK_MARIADB_ERRORS = {1213, 1020}


class Autocommit:
    """A lent connection on which each prepared statement commits by itself.

    `names_durability`: the connection has to be told before each change whether that waits for the disk.
    """

    def __init__(self, cursor: Any, *, names_durability: bool) -> None:
        self._cursor = cursor
        self._names_durability = names_durability
        self.has_changed = False

    def fetch_one(self, statement: Prepared, values: dict[str, Any]) -> tuple[Any, ...] | None:
        """Run a SELECT and return its first row, or None."""
        return statement.fetch_one(self._cursor, values)

    def change(self, statement: Prepared, values: dict[str, Any], *, asynchronously: bool = False) -> int:
        """Run an UPDATE and return how many rows it matched.

        It is on disk by then, or may follow if it is run `asynchronously`, for which the statement has the
        conditions of `Database.asynchronously`.
        """
        if self._names_durability:
            self._cursor.execute(_SQLITE_ASYNCHRONOUS if asynchronously else _SQLITE_DURABLE)
        self.has_changed = True
        return statement.change(self._cursor, values)


class Database:
    """One database and how work is done in it."""

    def __init__(self, engine: Engine, *, asynchronous_rotation: bool, answer_limit: timedelta) -> None:
        self._engine = engine
        self._asynchronous = asynchronous_rotation
        self._transactions = sessionmaker(engine, expire_on_commit=False, autobegin=True)
        self._driver_error: type[Any] = engine.dialect.loaded_dbapi.Error
        is_sqlite = engine.dialect.name == "sqlite"
        self._begin = (_SQLITE_DURABLE, "BEGIN IMMEDIATE") if is_sqlite else ("BEGIN",)
        self._names_durability = is_sqlite and asynchronous_rotation
        # Of those that are older, one has turned out to be dead.
        self._lends_made_since = 0.0
        if engine.dialect.name == "postgresql":
            limit_answers(engine, answer_limit.total_seconds())
        event.listen(engine, "begin", self._open)
        event.listen(engine, "connect", _date)
        event.listen(engine, "handle_error", _leave_read_only)
        if engine.dialect.name in _PER_CONNECTION:
            event.listen(engine, "connect", self._configure)

    @property
    def dialect_name(self) -> str:
        """Return `sqlite`, `postgresql`, or `mysql` or `mariadb` as the address has it."""
        return self._engine.dialect.name

    def prepare(self, statement: Any) -> Prepared:
        """Compile a statement once for this database."""
        # With a dialect of its own, because this one has not met the server yet: what it learns about types
        # would stay with the engine, which then reads MariaDB's UUIDs as text.
        return Prepared(statement, create_engine(self._engine.url).dialect)

    def asynchronously(self) -> list[TextClause]:
        """Return conditions, always true, that let one statement be answered before it is on disk.

        For plain rotations only: a crash that loses the last of them logs nobody out, because a token ahead
        of the database is accepted. On PostgreSQL the setting holds to the end of the statement's own
        transaction; SQLite is told by `Autocommit.change`, MariaDB knows no such choice.
        """
        if self._asynchronous and self._engine.dialect.name == "postgresql":
            return [text("set_config('synchronous_commit', 'off', true) = 'off'")]
        return []

    def ping(self) -> None:
        """Make sure that the database answers.

        Raises:
            Unavailable: it does not.
        """
        self.transact(lambda transaction: transaction.execute(text("SELECT 1")))

    def transact(self, work: Callable[[Transaction], Result]) -> Result:
        """Run `work` in one write transaction and return what it returns.

        `work` may be run again after a deadlock or a serialization failure, so it must do nothing but
        database work. Whatever it raises rolls everything back. It is not begun on a connection that turns
        out to have died; that one is replaced, and with it all that were idle.

        Raises:
            Unavailable: the database is locked, full, unreachable or kept on refusing.
            IntegrityError: a constraint refused; the caller knows which answer that is.
            InvalidRequest: a value does not fit its column.
        """
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        for attempt in range(ATTEMPTS):
            has_begun = False
            try:
                with self._transactions.begin() as transaction:
                    # Now and not at the first statement, so that nothing is lost if the connection is dead.
                    transaction.connection()
                    has_begun = True
                    return work(transaction)
            except IntegrityError:
                raise
            except DataError as error:
                raise InvalidRequest("a value is too long or not of its kind") from error
            except DBAPIError as error:
                is_quick = time.monotonic() < give_up_at
                may_repeat = _was_rolled_back(error) or (
                    error.connection_invalidated and is_quick and not has_begun
                )
                if attempt == ATTEMPTS - 1 or not may_repeat:
                    raise Unavailable(f"database: {_reason(error)}") from error
                _pause(attempt)
            except PoolTimeout as error:
                raise Unavailable("database: no free connection in the pool") from error
        raise AssertionError("unreachable")

    def autocommit(self, work: Callable[[Autocommit], Result]) -> Result:
        """Run `work` on one connection on which each statement is a transaction of its own.

        `work` is run again if its connection turns out to have died before anything was changed. After a
        change it is not: nobody knows whether that was committed, and the caller's next try finds out by
        reading.

        Raises:
            Unavailable: as for `transact`.
        """
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        for attempt in range(ATTEMPTS):
            connection, lent = self._lend(), None
            try:
                lent = Autocommit(_cursor(connection), names_durability=self._names_durability)
                return work(lent)
            except self._driver_error as error:
                is_dead = _is_read_only(error) or self._engine.dialect.is_disconnect(
                    error, connection.dbapi_connection, None
                )
                if is_dead:
                    self._bury(connection, error)
                is_quick = time.monotonic() < give_up_at
                has_changed = lent is not None and lent.has_changed
                may_repeat = _is_rolled_back(error) or (is_dead and is_quick and not has_changed)
                if attempt == ATTEMPTS - 1 or not may_repeat:
                    raise Unavailable(f"database: {_reason(error)}") from error
            finally:
                connection.close()
            _pause(attempt)
        raise AssertionError("unreachable")

    def _lend(self) -> PoolProxiedConnection:
        """Check out a connection made since the last one that was dead, and close older ones on the way."""
        try:
            connection = self._engine.raw_connection()
            while connection.info.get(_MADE_AT, 0.0) < self._lends_made_since:
                connection.invalidate()
                connection = self._engine.raw_connection()
        except PoolTimeout as error:
            raise Unavailable("database: no free connection in the pool") from error
        except (DBAPIError, self._driver_error) as error:
            raise Unavailable(f"database: {_reason(error)}") from error
        return connection

    def _bury(self, connection: PoolProxiedConnection, error: Exception) -> None:
        """Give up a dead connection, and with it all that are idle: a restart has cut them off as well.

        SQLAlchemy does so by itself for the connections of `transact`. What another thread holds stays with
        it, and is replaced when it is lent the next time.
        """
        if connection.info.get(_MADE_AT, 0.0) >= self._lends_made_since:
            self._lends_made_since = time.monotonic()
        connection.invalidate(error)

    def _open(self, connection: Connection) -> None:
        """Open the transaction by hand, since the driver is in autocommit.

        SQLite takes the write lock at once: a reader that turns writer later cannot wait, it fails.
        """
        for statement in self._begin:
            connection.exec_driver_sql(statement)

    def _configure(self, connection: Any, _record: object) -> None:
        dialect, cursor = self._engine.dialect, connection.cursor()
        for statement in _PER_CONNECTION[dialect.name]:
            cursor.execute(statement)
        if dialect.name in _IS_READ_ONLY:
            cursor.execute(_IS_READ_ONLY[dialect.name])
            # Newer servers spell it.
            if str(cursor.fetchone()[0]) not in {"0", "OFF"}:
                raise dialect.loaded_dbapi.OperationalError(
                    _READ_ONLY_MARIADB_ERROR, "the server is read-only, as a replica is"
                )
        cursor.close()


def _date(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[_MADE_AT] = time.monotonic()


def _cursor(connection: PoolProxiedConnection) -> Any:
    """Return the cursor that is kept with the connection: making one costs as much as a small statement."""
    cursor = connection.info.get(_CURSOR)
    if cursor is None:
        connection.info[_CURSOR] = cursor = connection.cursor()
    return cursor


def _leave_read_only(context: ExceptionContext) -> None:
    """Have all connections to a server that has become read-only replaced, as if it had hung up."""
    if _is_read_only(context.original_exception):
        context.is_disconnect = True


def _is_read_only(error: BaseException) -> bool:
    return bool(error.args) and error.args[0] == _READ_ONLY_MARIADB_ERROR


def _was_rolled_back(error: DBAPIError) -> bool:
    return isinstance(error.orig, Exception) and _is_rolled_back(error.orig)


def _is_rolled_back(error: Exception) -> bool:
    """Tell whether the database says that nothing of the transaction remains."""
    if getattr(error, "sqlstate", None) in _ROLLED_BACK_SQLSTATES:
        return True
    return bool(error.args) and error.args[0] in _ROLLED_BACK_MARIADB_ERRORS


def _reason(error: Exception) -> str:
    """Name the error without the statement and its values, which may be personal."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return f"{type(cause).__name__}: {str(cause).splitlines()[0] if str(cause) else ''}"


def _pause(attempt: int) -> None:
    """Wait a moment, longer each time and never in step with the others."""
    time.sleep(_PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
