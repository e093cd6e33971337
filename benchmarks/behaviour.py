"""What a contender does with a token that comes twice: repeated at once, in a race, and long after."""

import statistics
import time
from dataclasses import dataclass

from contenders import Contender
from load_generator import Client

RACERS = 16
# One behind Keyturn's default grace period, within which an older token is still repeated.
_LATE_SECONDS = 31.0


@dataclass(frozen=True)
class Answer:
    status: str
    token: str

    @property
    def is_granted(self) -> bool:
        return self.status == "200"


@dataclass(frozen=True)
class Race:
    """Medians over several races: how many of the racers were answered 200, how many lines live on."""

    granted: float
    live: float


def present(contender: Contender, token: str) -> Answer:
    """Refresh once on a connection of its own."""
    return _present_together(contender, [token])[0]


def describe_repeat(contender: Contender, token: str) -> str:
    """Present a token twice in a row, as a client does that lost the answer."""
    first, second = present(contender, token), present(contender, token)
    if not second.is_granted:
        return f"refused ({second.status})"
    is_same = contender.line(first.token) == contender.line(second.token)
    return "same successor" if is_same else "a second live line"


def race(contender: Contender, tokens: list[str]) -> Race:
    """Let all racers present one token at the same moment, once for each token."""
    granted, live = [], []
    for token in tokens:
        answers = [answer for answer in _present_together(contender, [token] * RACERS) if answer.is_granted]
        followers = [present(contender, answer.token) for answer in answers]
        granted.append(len(answers))
        live.append(len({contender.line(follower.token) for follower in followers if follower.is_granted}))
    return Race(statistics.median(granted), statistics.median(live))


@dataclass
class StolenToken:
    """A token that was copied before its owner went on with it twice."""

    copy: str
    newest: str
    since: float

    @classmethod
    def take(cls, contender: Contender, token: str) -> "StolenToken":
        newest = present(contender, present(contender, token).token).token
        return cls(token, newest, time.monotonic())

    def describe_return(self, contender: Contender) -> str:
        """Present the copy long after, and say what becomes of the thief and of the session."""
        time.sleep(max(0.0, self.since + _LATE_SECONDS - time.monotonic()))
        thief, owner = present(contender, self.copy), present(contender, self.newest)
        answer = "accepted" if thief.is_granted else "refused"
        return f"{answer}, session {'goes on' if owner.is_granted else 'ended'}"


def _present_together(contender: Contender, tokens: list[str]) -> list[Answer]:
    clients = [Client(contender.server.port, contender.wire, token) for token in tokens]
    for client in clients:
        client.send()
    return [_await_answer(client) for client in clients]


def _await_answer(client: Client) -> Answer:
    client.socket.settimeout(30)
    try:
        while (answered := client.receive()) is None:
            continue
    finally:
        client.socket.close()
    return Answer(answered[0], client.token)
