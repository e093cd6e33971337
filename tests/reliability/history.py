"""What clients did and what they were told: one line per invocation, in memory or as JSON lines."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self


class Operation(StrEnum):
    """What was asked. COPY is no request: a tab or a thief got hold of a token that another was given."""

    COPY = "copy"
    LOGIN = "login"
    REFRESH = "refresh"
    USE = "use"
    LOGOUT = "logout"
    LOGOUT_ALL = "logout_all"
    SUSPEND = "suspend"
    PASSWORD_CHANGE = "password_change"
    PASSWORD_RESET = "password_reset"
    SESSION_DELETE = "session_delete"


class Outcome(StrEnum):
    """OK and REFUSED are promises; UNKNOWN is a dropped connection, a time-out or any 5xx."""

    OK = "ok"
    REFUSED = "refused"
    UNKNOWN = "unknown"


GRANTS = frozenset({Operation.LOGIN, Operation.REFRESH, Operation.USE})
ENDINGS = frozenset(
    {
        Operation.LOGOUT,
        Operation.LOGOUT_ALL,
        Operation.SESSION_DELETE,
        Operation.SUSPEND,
        Operation.PASSWORD_CHANGE,
        Operation.PASSWORD_RESET,
    }
)


@dataclass(frozen=True)
class Token:
    """A token as the checker sees it: its place in the line and an opaque label, never the token itself."""

    session: str
    generation: int
    label: str

    @classmethod
    def from_jwt(cls, jwt: str) -> Self:
        """Read the claims without verifying; two envelopes around the same proof have the same label."""
        payload = jwt.split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        label = hashlib.sha256(str(claims["proof"]).encode()).hexdigest()[:16]
        return cls(str(claims["sid"]), int(claims["gen"]), label)


@dataclass(frozen=True)
class Invocation:
    """One request and its end; moments are monotonic seconds of one machine."""

    client: str
    session: str
    operation: Operation
    began_at: float
    ended_at: float
    outcome: Outcome
    presented: Token | None = None
    received: Token | None = None
    status: int | None = None

    @property
    def is_ok(self) -> bool:
        return self.outcome is Outcome.OK

    @property
    def is_refused(self) -> bool:
        return self.outcome is Outcome.REFUSED

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Self:
        fields: dict[str, Any] = json.loads(line)
        for name in ("presented", "received"):
            fields[name] = Token(**fields[name]) if fields[name] else None
        fields["operation"] = Operation(fields["operation"])
        fields["outcome"] = Outcome(fields["outcome"])
        return cls(**fields)


class History:
    """Invocations in the order of their ends; may be written from several threads."""

    def __init__(self, invocations: Iterable[Invocation] = ()) -> None:
        self._invocations = list(invocations)
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[Invocation]:
        return iter(self._invocations)

    def __len__(self) -> int:
        return len(self._invocations)

    def record(self, invocation: Invocation) -> None:
        with self._lock:
            self._invocations.append(invocation)

    def write(self, path: Path) -> None:
        path.write_text("".join(f"{invocation.to_json()}\n" for invocation in self), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        return cls(map(Invocation.from_json, path.read_text(encoding="utf-8").splitlines()))

    def count(self, operation: Operation, outcome: Outcome | None = None) -> int:
        return sum(i.operation is operation and outcome in {None, i.outcome} for i in self)


def outcome_of(status: int) -> Outcome:
    """Only 401 and 403 are definitive refusals; every other failure leaves the client where it was."""
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome.OK
    return Outcome.REFUSED if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} else Outcome.UNKNOWN
