"""What the service's own process writes to its log. A host application configures its own."""

import logging
import re
import sys

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class OneLineFormatter(logging.Formatter):
    """Keeps a message on one line, whatever a client has put into it (OWASP ASVS 16.4.1)."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """Return the line; only a traceback, which no client writes, may follow on further lines."""
        return _UNPRINTABLE.sub(lambda found: f"\\x{ord(found[0]):02x}", super().formatMessage(record))


def configure_logging() -> None:
    """Write the service's records, from INFO up, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLineFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logger = logging.getLogger("app")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
