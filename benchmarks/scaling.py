"""Does the arithmetic from one machine to 100 million sessions.

Every constant is one that a benchmark prints; the defaults are those in docs/performance.md, of asynchronous
swaps and of a million sessions. `--write docs/scaling.md` also puts the table into that page.
"""

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from machine import write_section

_SECTION = "scaling"
_SIZES = (1_000_000, 10_000_000, 100_000_000)
_SHARES = (0.1, 1.0)
_DAY = 86_400
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def _constant(default: float, where: str) -> Any:
    return field(default=default, metadata={"help": f"{where} (%(default)g)"})


@dataclass(frozen=True)
class Constants:
    """What a benchmark prints, and what a deployment chooses; each is an option of the command line."""

    server_cpu_ms: float = _constant(1.25, "a refresh; bench.py, asynchronous swaps")
    database_cpu_ms: float = _constant(0.22, "a refresh; growth.py")
    session_bytes: float = _constant(372, "with indexes; growth.py")
    person_bytes: float = _constant(381, "with indexes; growth.py")
    login_bytes: float = _constant(819, "a session and its event; growth.py")
    log_known_bytes: float = _constant(281, "a refresh of a page already in the log; growth.py")
    log_new_bytes: float = _constant(7590, "a refresh of a page not yet in the log; growth.py")
    access_seconds: float = _constant(3600, "KEYTURN_ACCESS_TOKEN_SECONDS")
    event_days: float = _constant(180, "KEYTURN_EVENT_RETENTION_SECONDS")
    logins_per_month: float = _constant(1, "for each session")
    sessions_per_person: float = _constant(2, "on the average")
    cores: float = _constant(8, "of a host, with one worker each")
    threads: float = _constant(8, "of a worker, with one connection each")
    load: float = _constant(0.5, "how busy a core may be on average")


@dataclass(frozen=True)
class Need:
    """What a number of sessions needs while a share of them is in use at the same time."""

    sessions: int
    share: float
    constants: Constants

    @property
    def refreshes(self) -> float:
        """Refreshes a second: a session in use refreshes once in the life of an access token."""
        return self.sessions * self.share / self.constants.access_seconds

    @property
    def server_cores(self) -> float:
        return self.refreshes * self.constants.server_cpu_ms / 1000 / self.constants.load

    @property
    def hosts(self) -> int:
        """Two at least: one may fail."""
        return max(2, math.ceil(self.server_cores / self.constants.cores))

    @property
    def connections(self) -> int:
        return int(self.hosts * self.constants.cores * self.constants.threads)

    @property
    def database_cores(self) -> float:
        return self.refreshes * self.constants.database_cpu_ms / 1000 / self.constants.load

    @property
    def stored(self) -> float:
        people = self.sessions / self.constants.sessions_per_person
        return self.sessions * self.constants.session_bytes + people * self.constants.person_bytes

    @property
    def events(self) -> float:
        """Return the bytes of the audit trail, which is mostly logins."""
        logins = self.sessions * self.constants.logins_per_month / 30 * self.constants.event_days
        return logins * (self.constants.login_bytes - self.constants.session_bytes)

    def log(self, bytes_per_refresh: float) -> float:
        """Return the bytes of write-ahead log in a second."""
        return self.refreshes * bytes_per_refresh


def _bytes(number: float) -> str:
    power = next(power for power in range(len(_UNITS)) if number < 1000 ** (power + 1))
    return f"{number / 1000**power:.3g} {_UNITS[power]}"


def table(constants: Constants) -> str:
    needs = [Need(sessions, share, constants) for sessions in _SIZES for share in _SHARES]
    rows: dict[str, Callable[[Need], str]] = {
        "refreshes/s": lambda need: f"{need.refreshes:,.0f}",
        "rows in `sessions`": lambda need: f"{need.sessions:,}",
        "bytes of sessions and people": lambda need: _bytes(need.stored),
        "bytes of events": lambda need: _bytes(need.events),
        "cores that serve": lambda need: f"{need.server_cores:.1f}",
        f"hosts of {constants.cores:g} cores": lambda need: str(need.hosts),
        "connections without a pooler": lambda need: f"{need.connections:,}",
        "cores of the database": lambda need: f"{need.database_cores:.1f}",
        "log/s, pages known": lambda need: _bytes(need.log(constants.log_known_bytes)),
        "log/s, each page new": lambda need: _bytes(need.log(constants.log_new_bytes)),
        "log/day, pages known": lambda need: _bytes(need.log(constants.log_known_bytes) * _DAY),
    }
    heads = [f"{need.sessions / 1e6:g} M, {need.share:.0%} in use" for need in needs]
    lines = [f"| | {' | '.join(heads)} |", "|---" * (len(needs) + 1) + "|"]
    lines += [f"| {title} | {' | '.join(cell(need) for need in needs)} |" for title, cell in rows.items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for constant in fields(Constants):
        option = f"--{constant.name.replace('_', '-')}"
        parser.add_argument(option, type=float, default=constant.default, help=constant.metadata["help"])
    parser.add_argument("--write", type=Path, help="a page to put the table into")
    options = vars(parser.parse_args())
    page = options.pop("write")
    constants = Constants(**options)
    given = " ".join(f"--{name.replace('_', '-')} {value:g}" for name, value in options.items())
    text = f"```\n.venv/bin/python benchmarks/scaling.py {given}\n```\n\n{table(constants)}"
    print(text)
    if page:
        write_section(page, _SECTION, text)


if __name__ == "__main__":
    main()
