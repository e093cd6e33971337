"""The Flask extensions that hold the database, bound to our own declarative base."""

from pathlib import Path
from typing import Any

from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.engine import make_url

from app.models import Base
from config import DatabaseSettings

db = SQLAlchemy(model_class=Base)
migrate = Migrate(db=db, directory=str(Path(__file__).parent.parent / "migrations"), compare_type=True)


def engine_options(settings: DatabaseSettings) -> dict[str, Any]:
    """Return how connections are made and pooled, on each kind of database.

    Connections are in autocommit at driver level; `app.engine.database` opens transactions by hand.
    """
    lock_seconds = settings.lock_timeout.total_seconds()
    backend = make_url(settings.url).get_backend_name()
    connect_args: dict[str, Any] = {}
    if backend == "sqlite":
        connect_args = {"timeout": lock_seconds}
    elif backend == "postgresql":
        # A standby lags behind: sessions that have ended are live there. So none is connected to.
        connect_args = {"connect_timeout": max(2, int(lock_seconds)), "target_session_attrs": "read-write"}
        if settings.transaction_pooling:
            # The next transaction may be on another connection of the server, and this one somebody else's.
            connect_args["prepare_threshold"] = None
        else:
            timeout = int(lock_seconds * 1000)
            connect_args["options"] = f"-c lock_timeout={timeout} -c timezone=UTC"
    else:
        wait = max(1, int(lock_seconds))
        answer = int(settings.answer_timeout.total_seconds())
        connect_args = {
            "connect_timeout": max(2, wait),
            "read_timeout": answer,
            "write_timeout": answer,
            "charset": "utf8mb4",
            "init_command": f"SET SESSION innodb_lock_wait_timeout={wait}",
        }
    return {
        "isolation_level": "AUTOCOMMIT",
        "pool_size": settings.pool_size,
        "max_overflow": 0,
        "pool_timeout": settings.pool_timeout.total_seconds(),
        "connect_args": connect_args,
        # Every transaction is ended by whoever began it, so there is nothing to roll back on return.
        "pool_reset_on_return": None,
    }
