"""The WSGI application, for gunicorn and for `flask --app wsgi`."""

import sys

import click

from app import create_app
from app.logs import configure_logging
from config import ConfigurationError

# gunicorn replaces a worker that exits, for ever, unless it exits with this (`Arbiter.APP_LOAD_ERROR`).
_GUNICORN_STOPS = 4

configure_logging()
try:
    app = create_app()
except ConfigurationError as error:
    # A report that can be read, in the place of a traceback.
    sys.stderr.write(f"{error}\n")
    in_command = click.get_current_context(silent=True) is not None
    raise SystemExit(1 if in_command else _GUNICORN_STOPS) from None
