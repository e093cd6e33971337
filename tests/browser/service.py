"""The service as a browser meets it: its public address is where it listens, and its mail can be read."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.browser.mailbox import Mailbox
from tests.reliability.databases import fresh_database
from tests.reliability.server import Server, migrate

WORKERS = 2


@dataclass(frozen=True)
class Site:
    """A running service, and what it has sent."""

    server: Server
    mailbox: Mailbox

    @property
    def url(self) -> str:
        return self.server.base_url


@contextmanager
def running_site(settings: Mapping[str, str]) -> Iterator[Site]:
    """Serve an empty SQLite database under gunicorn until the block ends.

    `settings` are whole names; a page from its own address may send cookies unless they say otherwise.
    """
    with fresh_database("sqlite") as database_url, TemporaryDirectory(prefix="keyturn-site-") as directory:
        mailbox = Mailbox(Path(directory) / "mail")
        server = Server(
            database_url,
            {"KEYTURN_MAIL_URL": mailbox.url, "KEYTURN_SMS_URL": mailbox.url, **settings},
            WORKERS,
            Path(directory),
        )
        server.environment.setdefault("KEYTURN_PUBLIC_URL", server.base_url)
        migrate(server.environment)
        try:
            server.start()
            yield Site(server, mailbox)
        finally:
            server.stop()
            server.kill()
