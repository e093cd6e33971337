"""Whether gunicorn's threads suit the limits that the settings put on hashes and connections."""

import runpy

from gunicorn.app.base import get_default_config_file
from gunicorn.config import Config

from app.cli.finding import Finding, Verdict
from config import Settings


def examine_threads(settings: Settings) -> Finding:
    """Examine the threads of one worker, as far as they are known: options of a command line are not."""
    try:
        known = _threads()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a configuration file fails with
        message = f"gunicorn's configuration cannot be read ({type(error).__name__})"
        return Finding("threads", Verdict.PROBLEM, message)
    if known is None:
        return Finding(
            "threads", Verdict.OK, "there is no gunicorn.conf.py here to compare the settings with"
        )
    threads, place = known
    doubts = _doubts(threads, settings)
    verdict = Verdict.WARNING if doubts else Verdict.OK
    return Finding("threads", verdict, "; ".join((f"{threads} in each worker, says {place}", *doubts)))


def _doubts(threads: int, settings: Settings) -> list[str]:
    hashing, pool = 2 * settings.passwords.hash_concurrency, settings.database.pool_size
    doubts = []
    if threads <= hashing:
        doubts.append(
            f"a flood of logins holds {hashing} and leaves none for refreshes: "
            "raise it, or lower KEYTURN_PASSWORD_HASH_CONCURRENCY"
        )
    if threads > pool:
        doubts.append(f"only {pool} have a connection: set KEYTURN_DATABASE_POOL_SIZE={threads}")
    return doubts


def _threads() -> tuple[int, str] | None:
    """Return the number and who says so, in the order in which gunicorn asks them."""
    config = Config()
    given = config.parser().parse_args(config.get_cmd_args_from_env())
    if given.threads is not None:
        return given.threads, "GUNICORN_CMD_ARGS"
    file = given.config or get_default_config_file()
    if file is None:
        return None
    file = file.removeprefix("file:")
    return int(runpy.run_path(file).get("threads", config.threads)), file
