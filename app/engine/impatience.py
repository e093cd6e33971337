"""A PostgreSQL connection that hangs up on a server that does not answer."""

from typing import Any

import psycopg
from sqlalchemy import Engine, event

_POLL_SECONDS = 0.1


def limit_answers(engine: Engine, seconds: float) -> None:
    """Let every new connection of a PostgreSQL engine hang up when an answer takes longer than this.

    The server's own limits are no help where it is the server, or the network before it, that hangs.
    """

    class Impatient(psycopg.Connection[Any]):
        def wait(self, gen: Any, interval: float = _POLL_SECONDS, timeout: float | None = None) -> Any:
            try:
                return super().wait(gen, interval, seconds if timeout is None else timeout)
            except psycopg.OperationalError:
                # Nobody knows what the server still does with the statement, so its answer must not come in
                # place of another one's.
                self.close()
                raise

    def connect(
        _dialect: object, _record: object, arguments: list[Any], options: dict[str, Any]
    ) -> Impatient:
        return Impatient.connect(*arguments, **options)

    event.listen(engine, "do_connect", connect)
