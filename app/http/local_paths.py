"""Where a person may be sent on to: a path on this host, and nowhere else."""

import re

# Two slashes, or a backslash that browsers take for one, would lead to another host; control characters and
# spaces are taken out by browsers, which can make two slashes of what was none.
_LOCAL = re.compile(r"/(?![/\\])[!-\[\]-~]{0,2047}")


def local_path(asked: str | None) -> str | None:
    """Return what was asked for if it is a path on this host (OWASP Unvalidated Redirects Cheat Sheet)."""
    return asked if asked is not None and _LOCAL.fullmatch(asked) else None
