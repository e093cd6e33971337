"""Statements of the refresh path: written with SQLAlchemy, compiled once, run at driver level.

Executing through a SQLAlchemy connection costs several times what the driver needs for a one-row statement;
see docs/performance.md for the measurement.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Dialect

_Processor = Callable[[Any], Any]


class Unreadable(Exception):
    """A stored value that nothing of ours has written; the argument says what it broke, not the value."""


def is_unreadable(error: Exception, failures: type[Exception], data: type[Exception]) -> bool:
    """Tell whether a stored value failed to be read, as opposed to the database.

    `failures` are the database's own errors, `data` those of them that a value causes. Decoders fail in any
    way they like.
    """
    if isinstance(error, failures):
        # SQLite keeps any bytes as text.
        return isinstance(error, data) or "Could not decode to UTF-8" in str(error)
    return True


class Prepared:
    """One statement for one kind of database."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._sql = str(compiled)
        self._constants: dict[str, Any] = {
            name: bind.value for name, bind in compiled.binds.items() if not bind.required
        }
        self._encoders = {
            name: encode
            for name, bind in compiled.binds.items()
            if (encode := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }
        self._driver: Any = dialect.loaded_dbapi
        self._order: list[str] | None = compiled.positiontup
        columns = getattr(statement, "selected_columns", ())
        self._decoders: list[tuple[int, _Processor]] = [
            (index, decode)
            for index, column in enumerate(columns)
            if (decode := column.type.dialect_impl(dialect).result_processor(dialect, None)) is not None
        ]

    def fetch_one(self, cursor: Any, values: dict[str, Any]) -> tuple[Any, ...] | None:
        """Run a SELECT and return its first row as Python values, or None.

        Raises:
            Unreadable: the row is there, and a value in it is none of its column's.
        """
        cursor.execute(self._sql, self._parameters(values))
        try:
            # All of them, so that SQLite lets go of its snapshot; there is one row at most.
            rows = cursor.fetchall()
            if not rows:
                return None
            decoded = list(rows[0])
            for index, decode in self._decoders:
                if decoded[index] is not None:
                    decoded[index] = decode(decoded[index])
        except Exception as error:
            if not is_unreadable(error, self._driver.Error, self._driver.DataError):
                raise
            raise Unreadable(type(error).__name__) from error
        return tuple(decoded)

    def change(self, cursor: Any, values: dict[str, Any]) -> int:
        """Run an UPDATE and return how many rows it matched."""
        cursor.execute(self._sql, self._parameters(values))
        return int(cursor.rowcount)

    def _parameters(self, values: dict[str, Any]) -> Any:
        parameters = {**self._constants, **values}
        for name, encode in self._encoders.items():
            parameters[name] = encode(parameters[name])
        if self._order is None:
            return parameters
        return [parameters[name] for name in self._order]
