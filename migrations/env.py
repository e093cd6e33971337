"""How Alembic reaches the database: through the application's own engine, in one transaction."""

from alembic import context
from flask import current_app

_migrate = current_app.extensions["migrate"]


def run_migrations() -> None:
    """Run the chosen migrations; where the database can, all of them or none."""
    with _migrate.db.engine.connect() as connection:
        context.configure(
            connection=connection, target_metadata=_migrate.db.metadata, **_migrate.configure_args
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    context.configure(url=_migrate.db.engine.url, target_metadata=_migrate.db.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    run_migrations()
