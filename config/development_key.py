"""The signing key that development makes for itself. The only module of this package that touches files."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path


def development_key(path: Path) -> str:
    """Return the key kept in `path`, making it first where there is none.

    Workers that start at once all get the same key, and none ever reads half of one.

    Raises:
        OSError: the file can be neither read nor made.
        UnicodeDecodeError: it holds something else than text.
    """
    with suppress(FileNotFoundError):
        return path.read_text("utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    _publish(path, secrets.token_urlsafe(48))
    return path.read_text("utf-8")


def _publish(path: Path, key: str) -> None:
    # mkstemp opens with O_EXCL and mode 0600; the link appears whole or not at all, and
    # fails where another worker was first, whose key then holds.
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()
