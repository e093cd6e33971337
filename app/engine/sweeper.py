"""Going through the whole table in slices: clearing what is long over, and ending what was opened too early.

Clearing happens a little at a time inside normal traffic. No cron is needed.
"""

import logging
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

from sqlalchemy.orm import Session as Transaction

from app.engine.database import Database
from app.engine.errors import Unavailable
from app.engine.events import EventKind, Events, Subject
from app.engine.refreshing import EndReason
from app.engine.session_store import SessionStore
from app.models import Session
from app.primitives.clock import Clock

_log = logging.getLogger(__name__)
_ROWS_IN_PASSING = 50
_ROWS_IN_A_SLICE = 500
_BEGINNING = UUID(int=0)


class Sweeper:
    """Deletes sessions that ended longer than `retention` ago, and events past their own retention."""

    def __init__(
        self,
        *,
        database: Database,
        store: SessionStore,
        clock: Clock,
        events: Events,
        retention: timedelta,
    ) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._events = events
        self._retention = retention

    def sweep_in_passing(self) -> None:
        """Look at a few rows from a random place on.

        Each login adds one row and looks at fifty, so about one row in fifty is dead when the two balance.
        A database that is busy just now is left alone.
        """
        try:
            self._slice(uuid4(), _ROWS_IN_PASSING)
            self._database.transact(lambda transaction: self._events.sweep(transaction, _ROWS_IN_PASSING))
        except Unavailable as error:
            _log.warning("sweeping was put off: %s", error.detail)

    def prune(self) -> int:
        """Look at every row and return how many sessions were deleted.

        Transaction: one for each slice, so that nothing waits long.
        """
        deleted = 0
        position: UUID | None = _BEGINNING
        while position is not None:
            position, count = self._slice(position, _ROWS_IN_A_SLICE)
            deleted += count
        while self._database.transact(lambda transaction: self._events.sweep(transaction, _ROWS_IN_A_SLICE)):
            continue
        return deleted

    def end_before(self, moment: datetime) -> int:
        """End every session opened before a moment, whoever's it is, and return how many there were.

        Transaction: one for each slice, with its event.
        """
        ended = 0
        position: UUID | None = _BEGINNING
        while position is not None:
            end = partial(self._end_slice, position, moment)
            position, count = self._database.transact(end)
            ended += count
        return ended

    def _end_slice(
        self, position: UUID, moment: datetime, transaction: Transaction
    ) -> tuple[UUID | None, int]:
        ids = self._store.next_ids(transaction, position, _ROWS_IN_A_SLICE)
        if not ids:
            return None, 0
        reason, conditions = EndReason.ADMINISTRATOR, (Session.id.in_(ids), Session.created_at < moment)
        ended = self._store.revoke(transaction, self._clock.now(), reason, *conditions)
        if ended:
            kind = EventKind.SESSIONS_ENDED
            self._events.record(transaction, kind, Subject(), None, count=ended, reason=reason)
        return ids[-1], ended

    def _slice(self, position: UUID, rows: int) -> tuple[UUID | None, int]:
        ended_before = self._clock.now() - self._retention
        return self._database.transact(
            lambda transaction: self._store.sweep(transaction, position, rows, ended_before)
        )
