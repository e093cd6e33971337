"""Whether database, Redis and the source of breached passwords answer, and tables and clocks are right."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import func, literal_column, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session as Transaction

from app.cli.finding import Finding, Verdict
from app.engine.breached_passwords import SourceAway, configured_range, knows
from app.engine.engine import Engine
from app.engine.errors import Unavailable
from app.http.runtime import Runtime
from app.models import Moment
from config import PasswordSettings

_TOLERANCE = timedelta(seconds=5)
_MARIADB_CLOCK = func.utc_timestamp(literal_column("6"), type_=Moment)
# SQLite asks the same clock as we do.
_DATABASE_CLOCKS = {
    "sqlite": None,
    "postgresql": func.clock_timestamp(type_=Moment),
    "mysql": _MARIADB_CLOCK,
    "mariadb": _MARIADB_CLOCK,
}


def examine_database(here: Runtime, migrations: str) -> Iterator[Finding]:
    """Examine the database; one that does not answer is the only finding then."""
    place = _without_credentials(here.settings.database.url)
    try:
        applied = here.engine.database.transact(_applied_revisions)
        yield Finding("database", Verdict.OK, f"{place} answers")
        yield _migrations(applied, migrations)
        yield _clock(here.engine)
    except Unavailable as error:
        yield Finding("database", Verdict.PROBLEM, f"{place} does not answer ({error.detail})")


def examine_limits(here: Runtime) -> Finding:
    """Examine where rate limits are counted."""
    shared = here.limits.is_shared()
    if shared is None:
        return Finding("redis", Verdict.OK, "not configured; every process counts rate limits for itself")
    limits = here.settings.rate_limits
    if shared and not any((limits.login, limits.signup, limits.refresh, limits.password)):
        message = "answers, and nobody asks: every KEYTURN_RATE_LIMIT_… is off"
        return Finding("redis", Verdict.WARNING, message)
    if shared:
        return Finding("redis", Verdict.OK, "answers; rate limits are shared by all processes")
    message = "configured, but does not answer; every process counts rate limits for itself meanwhile"
    return Finding("redis", Verdict.PROBLEM, message)


def examine_breached_passwords(settings: PasswordSettings) -> Iterator[Finding]:
    """Examine the configured source, if there is one, by a password that is in every list of breaches."""
    source = configured_range(settings)
    if source is None:
        return
    try:
        is_a_source = knows(source, "password")
    except SourceAway as away:
        message = f"the source of breached ones is away ({away}): all of them pass meanwhile"
        yield Finding("passwords", Verdict.PROBLEM, message)
        return
    if is_a_source:
        yield Finding("passwords", Verdict.OK, "the source of breached ones answers")
    else:
        message = (
            "the source of breached ones answers, and does not know the word password: is it the right one?"
        )
        yield Finding("passwords", Verdict.WARNING, message)


def _applied_revisions(transaction: Transaction) -> set[str]:
    return set(MigrationContext.configure(transaction.connection()).get_current_heads())


def _migrations(applied: set[str], folder: str) -> Finding:
    try:
        script = ScriptDirectory(folder)
        known = {revision.revision for revision in script.walk_revisions()}
        heads = set(script.get_heads())
    except CommandError:
        message = f"the folder `{folder}` is not here; run this from the top of the checkout"
        return Finding("migrations", Verdict.PROBLEM, message)
    stands_at = ", ".join(sorted(applied)) or "nothing"
    if applied == heads:
        return Finding("migrations", Verdict.OK, f"the tables are those of revision {stands_at}, the newest")
    if not applied <= known:
        message = f"the tables are those of revision {stands_at}, which this version does not know"
        return Finding("migrations", Verdict.PROBLEM, message)
    wanted = ", ".join(sorted(heads))
    message = f"at {stands_at}, {wanted} is needed: run `flask --app wsgi db upgrade`"
    return Finding("migrations", Verdict.PROBLEM, message)


def _clock(engine: Engine) -> Finding:
    now = engine.clock.now()
    clock = _DATABASE_CLOCKS[engine.database.dialect_name]
    if clock is None:
        return Finding("clock", Verdict.OK, f"{now:%Y-%m-%d %H:%M:%S} UTC; no other machine's to compare")
    theirs: datetime = engine.database.transact(
        lambda transaction: transaction.execute(select(clock)).scalar_one()
    )
    apart = abs(theirs - now)
    message = f"{now:%Y-%m-%d %H:%M:%S} UTC, {apart.total_seconds():.1f} s from the database's"
    if apart > _TOLERANCE:
        return Finding("clock", Verdict.PROBLEM, f"{message}: let both follow a time server")
    return Finding("clock", Verdict.OK, message)


def _without_credentials(url: str) -> str:
    parts = make_url(url)
    return str(URL.create(parts.drivername, host=parts.host, port=parts.port, database=parts.database))
