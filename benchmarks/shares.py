"""Says where the CPU of one refresh goes, and of the floor's: both under cProfile, waiting left out.

Profiling makes calls dearer and C code look cheap, so these are shares of what a refresh takes without it, to
compare with each other. Commits of both are asynchronous, so that neither cools down while it waits.
`--write docs/performance.md` also puts them into that page.
"""

import argparse
import cProfile
import io
import json
import os
import pstats
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Run as a program, only its own folder is on the path.
sys.path.append(str(Path(__file__).resolve().parent.parent))
sys.path.append(str(Path(__file__).resolve().parent / "peers"))

import floor
from databases import Database, created
from flask import Flask
from in_process import filled
from machine import describe_machine, write_section

_SECTION = "shares"
_WARM_UP = 200
_ROUNDS = 9
_PACKAGES = {
    "psycopg": "psycopg",
    "psycopg_pool": "the connection pool",
    "sqlalchemy": "the connection pool",
    "flask_sqlalchemy": "Flask and Werkzeug",
    "flask": "Flask and Werkzeug",
    "blinker": "Flask and Werkzeug",
    "werkzeug": "Flask and Werkzeug",
    "jwt": "PyJWT",
    "flask_jwt_extended": "Flask-JWT-Extended",
    "limits": "limits",
    "flask_limiter": "limits",
    "marshmallow": "marshmallow",
}
_OURSELVES = "this program"
_FLOORS = ("app/engine", "app/http", "app/contracts", "app/primitives", "app/models", "peers/floor.py")
_PARTS = 12

Place = tuple[str, int, str]


class Refreshes:
    """Presents one session's token after the other to the application, as gunicorn would."""

    def __init__(self, app: Flask, token: str) -> None:
        self._app, self._token = app, token

    def run(self, count: int) -> None:
        for _ in range(count):
            self._refresh()

    def _refresh(self) -> None:
        body = json.dumps({"refreshToken": self._token}).encode()
        answer = self._app.wsgi_app(_environ(body), lambda *_: lambda _: None)
        self._token = json.loads(b"".join(answer))["refreshToken"]
        answer.close()  # type: ignore[attr-defined]


def _environ(body: bytes) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/auth/refresh-token",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "HTTP_HOST": "127.0.0.1:8000",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
    }


def shares(profile: cProfile.Profile) -> Counter[str]:
    """Add up the time in each part; what is built in counts for the part that called it."""
    parts: Counter[str] = Counter()
    for place, (_, _, own, _, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if _part(place) is not None:
            parts[_part(place) or ""] += own
            continue
        for caller, (_, _, own_from_there, _) in callers.items():
            parts[_part(caller) or "the standard library"] += own_from_there
    del parts[_OURSELVES]
    return parts


def _part(place: Place) -> str | None:
    path = place[0]
    if path == "~" or path.startswith("<"):
        return None
    if path == __file__:
        return _OURSELVES
    if "site-packages" in path:
        package = path.split("site-packages/")[1].split("/")[0]
        return _PACKAGES.get(package, package)
    return next((floor for floor in _FLOORS if f"/{floor}/" in path), "the standard library")


@dataclass(frozen=True)
class Profile:
    """What one refresh takes without the profiler, and which part of it falls to what."""

    microseconds: float
    parts: Counter[str]

    def of(self, part: str) -> float:
        return self.parts[part] / self.parts.total() * self.microseconds


def profiled(ours: Refreshes, floors: Refreshes, count: int) -> tuple[Profile, Profile]:
    """Measure both in turns, so that a slow moment of the machine meets both, and then profile them."""
    taken: dict[Refreshes, list[float]] = {ours: [], floors: []}
    for refreshes in taken:
        refreshes.run(_WARM_UP)
    for _ in range(_ROUNDS):
        for refreshes, times in taken.items():
            before = time.thread_time()
            refreshes.run(count // _ROUNDS)
            times.append((time.thread_time() - before) / (count // _ROUNDS) * 1e6)
    one, other = (
        Profile(statistics.median(times), _parts(refreshes, count)) for refreshes, times in taken.items()
    )
    return one, other


def _parts(refreshes: Refreshes, count: int) -> Counter[str]:
    profile = cProfile.Profile(time.thread_time)
    profile.runcall(refreshes.run, count)
    return shares(profile)


def the_floor(database: Database) -> Refreshes:
    os.environ["BENCHMARK_DATABASE"] = f"{database.url}?options=-csynchronous_commit%3Doff"
    token = floor.log_in(1)[0]
    return Refreshes(floor.create_app(), token)


def table(keyturn: Profile, floors: Profile) -> str:
    names = [name for name, _ in keyturn.parts.most_common(_PARTS)]
    names += [name for name, _ in floors.parts.most_common(_PARTS) if name not in names]
    lines = ["| part | share | µs | floor's µs |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {keyturn.of(name) / keyturn.microseconds:.0%} | {keyturn.of(name):.0f}"
        f" | {floors.of(name):.0f} |"
        for name in names
    ]
    lines.append(f"| **the whole** | 100% | **{keyturn.microseconds:.0f}** | **{floors.microseconds:.0f}** |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--refreshes", type=int, default=2000)
    parser.add_argument("--write", type=Path, help="a page to put the results into")
    options = parser.parse_args()
    machine = describe_machine()
    with (
        created("shares_floor") as of_floor,
        created("shares") as of_ours,
        filled(of_ours, 1_000) as keyturn,
    ):
        ours = Refreshes(keyturn.app, keyturn.some_tokens(1)[0])
        results = table(*profiled(ours, the_floor(of_floor), options.refreshes))
    text = f"{machine}\n\n{results}"
    print(text)
    if options.write:
        write_section(options.write, _SECTION, text)


if __name__ == "__main__":
    main()
