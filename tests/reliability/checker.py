"""Decides from histories and the final table whether invariants I1 to I5 held.

It argues from client-side moments alone: something is certain to have happened before a request when its
answer was in before that request began, and may have happened when it began before that request ended.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from tests.reliability.history import ENDINGS, GRANTS, Invocation, Operation, Token


@dataclass(frozen=True)
class Windows:
    """How long a superseded token may be repeated, and how long a lost answer may be recovered.

    Where rotations are not durable, a session that has ended may lack the last of them; a live one may not,
    because its client's token, ahead of the database, has made up for them.
    """

    grace_seconds: float
    recovery_seconds: float
    are_rotations_durable: bool = True


@dataclass(frozen=True)
class FinalRow:
    """A row of the sessions table when everything was over."""

    generation: int
    is_revoked: bool


@dataclass(frozen=True)
class Violation:
    """One broken promise; `invariant` is I1 to I5."""

    invariant: str
    session: str
    reason: str


@dataclass(frozen=True)
class Line:
    """Everything that happened to one session, in the order of the answers."""

    session: str
    invocations: tuple[Invocation, ...]
    row: FinalRow | None
    windows: Windows

    @cached_property
    def presentations(self) -> tuple[tuple[Invocation, Token], ...]:
        """Refreshes and guarded uses, each with the token that it presented."""
        return tuple((i, i.presented) for i in self.invocations if i.presented and i.operation in GRANTS)

    @cached_property
    def grants(self) -> tuple[tuple[Invocation, Token], ...]:
        return tuple((i, i.received) for i in self.invocations if i.received and i.operation in GRANTS)

    @cached_property
    def endings(self) -> tuple[Invocation, ...]:
        return tuple(i for i in self.invocations if i.operation in ENDINGS and not i.is_refused)

    @cached_property
    def may_end_at(self) -> float:
        """The first moment at which an ending or a reuse may have taken effect."""
        endings = (ending.began_at for ending in self.endings)
        reuses = (i.began_at for i, token in self.presentations if _is_possible_reuse(self, i, token))
        return min(chain(endings, reuses), default=float("inf"))

    def violation(self, invariant: str, reason: str) -> Violation:
        return Violation(invariant, self.session, reason)


def check(
    history: Iterable[Invocation], final_rows: Mapping[str, FinalRow], windows: Windows
) -> list[Violation]:
    """List every broken invariant; an empty list is a pass."""
    by_session: dict[str, list[Invocation]] = defaultdict(list)
    for invocation in history:
        by_session[invocation.session].append(invocation)
    lines = [
        Line(session, tuple(sorted(found, key=lambda i: i.ended_at)), final_rows.get(session), windows)
        for session, found in by_session.items()
        if session
    ]
    rules = (no_session_lost, one_live_line, reuse_ends_session, nothing_after_ending, answers_stay_true)
    return list(chain.from_iterable(rule(line) for line in lines for rule in rules))


def no_session_lost(line: Line) -> Iterator[Violation]:
    """I1: a client that holds its newest or next-older token is refused only after a logout or a reuse."""
    for refused, token in line.presentations:
        if refused.is_refused and _is_held(line, refused, token) and line.may_end_at >= refused.ended_at:
            yield line.violation(
                "I1", f"{refused.client} was refused generation {token.generation}, which it held"
            )
    if line.row and line.row.is_revoked and line.may_end_at == float("inf"):
        yield line.violation("I1", "the row is revoked and nobody ended the session")


def one_live_line(line: Line) -> Iterator[Violation]:
    """I2: one token per generation, and no answer older than what was granted before the question."""
    labels: dict[int, str] = {}
    for _, token in line.grants:
        if labels.setdefault(token.generation, token.label) != token.label:
            yield line.violation("I2", f"two different tokens of generation {token.generation}")
    for grant, token in line.grants:
        newer = [
            t.generation
            for g, t in line.grants
            if g.ended_at < grant.began_at and t.generation > token.generation
        ]
        if newer:
            yield line.violation("I2", f"generation {token.generation} was handed out after {max(newer)}")


def reuse_ends_session(line: Line) -> Iterator[Violation]:
    """I3: a token that is certainly spent is refused, and its session is over from that answer on."""
    for reuse, token in line.presentations:
        if reuse.operation is not Operation.REFRESH or not _is_certain_reuse(line, reuse, token):
            continue
        if reuse.is_ok:
            yield line.violation("I3", f"spent generation {token.generation} was accepted")
        if reuse.is_refused:
            yield from _grants_after(line, reuse, "I3", f"the reuse of generation {token.generation}")
            if line.row and not line.row.is_revoked:
                yield line.violation("I3", "the session outlived a reuse")


def nothing_after_ending(line: Line) -> Iterator[Violation]:
    """I4: nothing is granted to a request that began after a logout, suspension or the like was answered."""
    for ending in line.endings:
        if ending.is_ok:
            yield from _grants_after(line, ending, "I4", f"the {ending.operation} was answered")


def answers_stay_true(line: Line) -> Iterator[Violation]:
    """I5: a refused token stays refused, and what was acknowledged is in the database."""
    for refused, token in line.presentations:
        if refused.is_refused and any(
            later.is_ok and later.began_at > refused.ended_at and later.operation is refused.operation
            for later, again in line.presentations
            if again == token
        ):
            yield line.violation("I5", f"generation {token.generation} was refused and later accepted")
    newest = max((token.generation for _, token in line.grants), default=0)
    if newest and line.row is None:
        yield line.violation("I5", "an acknowledged session is not in the database")
    is_excused = line.row and line.row.is_revoked and not line.windows.are_rotations_durable
    if line.row and line.row.generation < newest and not is_excused:
        yield line.violation("I5", f"acknowledged generation {newest}, the row has {line.row.generation}")
    if line.row and not line.row.is_revoked and any(ending.is_ok for ending in line.endings):
        yield line.violation("I5", "an acknowledged ending is not in the database")


def _grants_after(line: Line, end: Invocation, invariant: str, what: str) -> Iterator[Violation]:
    for grant in line.invocations:
        if grant.is_ok and grant.operation in GRANTS and grant.began_at > end.ended_at:
            yield line.violation(invariant, f"{grant.operation} by {grant.client} was granted after {what}")


def _is_held(line: Line, moment: Invocation, token: Token) -> bool:
    """Whether it is the newest or next-older generation that this client had been given by then."""
    given = {
        i.received.generation
        for i in line.invocations
        if i.received and i.client == moment.client and i.ended_at <= moment.began_at
    }
    return token.generation in sorted(given)[-2:]


def _is_certain_reuse(line: Line, reuse: Invocation, token: Token) -> bool:
    """A newer generation was certainly in use, and the presented one certainly superseded too long ago."""
    before = [(i, t) for i, t in line.presentations if i.is_ok and i.ended_at < reuse.began_at]
    is_newer_seen = any(t.generation > token.generation for _, t in before)
    superseded_at = min(
        (i.ended_at for i, t in before if i.received and t.generation >= token.generation),
        default=float("inf"),
    )
    return is_newer_seen and reuse.began_at - superseded_at > line.windows.grace_seconds


def _is_possible_reuse(line: Line, suspect: Invocation, token: Token) -> bool:
    """The rotation table may have called it reuse, whichever way the concurrent requests were ordered."""
    others = [(i, t) for i, t in line.presentations if i is not suspect and i.began_at < suspect.ended_at]
    superseded_at = min(
        (
            i.began_at
            for i, t in others
            if i.operation is Operation.REFRESH and t.generation >= token.generation and not i.is_refused
        ),
        default=float("inf"),
    )
    age = suspect.ended_at - superseded_at
    is_newer_seen = any(t.generation > token.generation for _, t in others)
    is_spent = age > line.windows.grace_seconds and (is_newer_seen or age > line.windows.recovery_seconds)
    return is_spent or _may_be_given_up(line, suspect, token)


def _may_be_given_up(line: Line, suspect: Invocation, token: Token) -> bool:
    """A recovery stepped over it: an older token was answered with a newer one when repeating was over."""
    first_granted_at = min((g.began_at for g, t in line.grants if t == token), default=float("inf"))
    return any(
        i.received
        and t.generation < token.generation < i.received.generation
        and i.ended_at - first_granted_at > line.windows.grace_seconds
        for i, t in line.presentations
        if i.began_at < suspect.ended_at
    )
