"""The configuration doctor: what is configured, whether it works, and what is likely to be a mistake."""

import click
from flask.cli import with_appcontext

from app.cli.check_settings import examine_settings
from app.cli.check_stores import examine_breached_passwords, examine_database, examine_limits
from app.cli.check_threads import examine_threads
from app.cli.finding import Verdict
from app.cli.output import REFUSED, json_option, json_text, printable
from app.extensions import migrate
from app.http.runtime import runtime


@click.command()
@json_option
@with_appcontext
def check(as_json: bool) -> None:
    """Check settings, cookies, proxies, database, clock, Redis and breaches; exit with 1 on a problem."""
    here = runtime()
    findings = [
        *examine_settings(here.settings, here.mounts),
        examine_threads(here.settings),
        *examine_database(here, migrate.directory),
        examine_limits(here),
        *examine_breached_passwords(here.settings.passwords),
    ]
    sound = all(finding.verdict is not Verdict.PROBLEM for finding in findings)
    if as_json:
        click.echo(json_text({"ok": sound, "findings": [finding._asdict() for finding in findings]}))
    else:
        for finding in findings:
            click.echo(printable(f"{finding.verdict:<8} {finding.topic:<10} {finding.message}"))
    if not sound:
        raise SystemExit(REFUSED)
