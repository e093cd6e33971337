"""What the service has sent, read from the file that stands for a mail server."""

import json
import re
import time
from pathlib import Path
from typing import Any

_PATIENCE_SECONDS = 5


class Mailbox:
    """All messages of one service, oldest first."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def url(self) -> str:
        """What `KEYTURN_MAIL_URL` has to be."""
        return f"file:{self._path}"

    def messages(self, recipient: str) -> list[dict[str, Any]]:
        """Return the messages to one address; the keys are the fields of a message."""
        lines = self._path.read_text("utf-8").splitlines() if self._path.exists() else []
        return [message for message in map(json.loads, lines) if message["recipient"] == recipient]

    def last(self, recipient: str, count: int = 1) -> dict[str, Any]:
        """Wait until there are `count` messages to an address and return the newest."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while len(found := self.messages(recipient)) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} messages to {recipient} came"
            time.sleep(0.02)
        return found[-1]

    def last_code(self, recipient: str, count: int = 1) -> str:
        """Wait as `last` does and return the code: a line of a mail, the first word of an SMS."""
        text = self.last(recipient, count)["text"]
        found = re.search(r"^\s*(\d{4,10})(?: is your code|\s*$)", text, re.MULTILINE)
        assert found, text
        return found[1]
