"""Senders that stay on this machine: memory for tests, console and file for development."""

import json
import os
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from app.delivery.message import DeliveryFailed, Message


@dataclass(frozen=True, slots=True)
class MemorySender:
    """Keeps every message, oldest first."""

    messages: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> None:
        """Append to `messages`."""
        self.messages.append(message)


@dataclass(frozen=True, slots=True)
class ConsoleSender:
    """Shows messages to a developer on stderr."""

    def send(self, message: Message) -> None:
        """Write one block in one call, so that blocks of several threads do not mix.

        Raises:
            DeliveryFailed: stderr is closed.
        """
        head = [f"{message.channel} to {message.recipient}", f"subject: {message.subject}", ""]
        # Escaped and behind a margin, text from a user can neither drive the terminal nor fake a block.
        shown = [f"  | {_printable(line)}" for line in [*head, *message.text.splitlines()]]
        try:
            sys.stderr.write("\n".join(["", *shown, "", ""]))
            sys.stderr.flush()
        except (OSError, ValueError) as error:
            raise DeliveryFailed(type(error).__name__, permanent=True) from None


@dataclass(frozen=True, slots=True)
class FileSender:
    """Appends one JSON object per line; several processes may share the file."""

    path: Path

    def send(self, message: Message) -> None:
        """Append one line; directories that are missing are made, the file is readable by its owner only.

        Raises:
            DeliveryFailed: the line could not be written whole.
        """
        line = json.dumps(asdict(message)).encode() + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            written = self._append(line)
        except OSError as error:
            raise DeliveryFailed(type(error).__name__) from None
        if written != len(line):
            raise DeliveryFailed("short write")

    def _append(self, line: bytes) -> int:
        # One write with O_APPEND is what keeps lines of several processes whole: no buffering file object.
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            return os.write(descriptor, line)
        finally:
            os.close(descriptor)


def _printable(line: str) -> str:
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)
