"""What the figures are true of, and the place in a page where they are written."""

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

from databases import postgresql_version


def describe_machine() -> str:
    processors = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(":", 1)[1].strip() for line in processors if line.startswith("model name")]
    load = os.getloadavg()[0]
    parts = [
        f"{os.cpu_count()} cores",
        *models[:1],
        f"Python {platform.python_version()}",
        f"PostgreSQL {postgresql_version()} on the same machine",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"load average before the run {load:.1f}",
    ]
    return " · ".join(parts)


def write_section(page: Path, name: str, text: str) -> None:
    """Replace what stands between the two markers of a section.

    Raises:
        ValueError: the page has no such section.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    section = re.compile(rf"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    content = page.read_text()
    if not section.search(content):
        raise ValueError(f"{page} has no {begin}")
    page.write_text(section.sub(lambda _: f"{begin}\n{text}\n{end}", content))
