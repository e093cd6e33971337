"""Whether a token would be taken if it were presented now; looking changes nothing (RFC 7662)."""

from uuid import UUID

from app.engine.errors import InvalidAccessToken, InvalidRefreshToken, NotFound
from app.engine.grant import SessionPolicy
from app.engine.rotation import Outcome, decide, is_given_up, standing
from app.engine.sessions import Sessions
from app.engine.snapshot import Snapshot
from app.primitives.clock import Clock

_CURRENT = (Outcome.ROTATE, Outcome.AHEAD)


class Introspection:
    """Looks at tokens as a guard and a refresh would, without their traces. Each method is one read."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    def refresh_token(self, raw_token: str, policy: SessionPolicy) -> Snapshot:
        """Return the session of a live refresh token.

        Raises:
            InvalidRefreshToken: it would be refused, or is superseded and at best repeated.
        """
        snapshot = self._sessions.identify(raw_token, policy)
        presented = policy.form.read(raw_token).generation
        outcome = decide(snapshot, presented, self._clock.now(), policy.windows)
        if outcome not in _CURRENT or not _is_signed_in(snapshot):
            raise InvalidRefreshToken(outcome.name.lower())
        return snapshot

    def access_token(self, session_id: UUID, generation: int, policy: SessionPolicy) -> Snapshot:
        """Return the session of a verified access token that a guard would let pass.

        Raises:
            InvalidAccessToken: a guard would refuse it.
        """
        try:
            snapshot = self._sessions.look_up(session_id)
        except NotFound as error:
            raise InvalidAccessToken("unknown session") from error
        session = snapshot.session
        superseded = policy.access_dies_at_refresh and generation != session.generation
        if (
            session.contract != policy.contract
            or standing(snapshot, self._clock.now()) is not None
            or generation < session.floor_generation
            or is_given_up(session, generation)
            or superseded
            or not _is_signed_in(snapshot)
        ):
            raise InvalidAccessToken("a guard would refuse it")
        return snapshot


def _is_signed_in(snapshot: Snapshot) -> bool:
    """Tell whether nothing is due any more before the person may act."""
    return not snapshot.session.mfa_pending and not snapshot.person.must_change_password
