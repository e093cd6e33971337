"""Any sequence of logins, refreshes with any token ever given, uses, ends and clock jumps obeys a model."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.engine.errors import (
    AccessSessionEnded,
    AccountSuspended,
    RefreshTokenExpired,
    RefreshTokenReused,
    SessionRevoked,
)
from app.engine.grant import Grant
from app.primitives.clock import FrozenClock
from tests.engine.conftest import ServiceFor
from tests.engine.service import ABSOLUTE, FIREFOX, GRACE, INACTIVITY, RECOVERY, Service
from tests.reliability.databases import empty

STEPS = [timedelta(seconds=seconds) for seconds in (0, 1, 29, 30, 31, 3600, 86_400, 86_431, -5)]
RETENTION = timedelta(days=400)
REFUSALS = (RefreshTokenReused, SessionRevoked, RefreshTokenExpired, AccountSuspended, AccessSessionEnded)


class Expected:
    """What a session is to do next: a model in which moments are plain and nothing is stored."""

    def __init__(self, now: Any) -> None:
        self.c, self.s, self.rotated, self.window, self.lost = 1, 0, now, (1, None), range(0)
        self.idle_end, self.end, self.is_over = now + INACTIVITY, now + ABSOLUTE, False

    def is_expired(self, now: Any) -> bool:
        return bool(now >= min(self.idle_end, self.end))

    def refresh(self, n: int, now: Any) -> int | type[Exception]:
        oldest, started = self.window
        running = started is not None and now - started <= GRACE
        recent = n in {self.c - 1, self.s} and now - self.rotated <= GRACE
        if n in self.lost:
            self.is_over = True
        elif n < self.c and (recent or (running and n >= oldest)):
            return self.c
        elif n < self.c and not (n == self.s and now - self.rotated <= RECOVERY):
            self.is_over = True
        if self.is_over:
            return RefreshTokenReused
        self.lost = range(self.s + 1, self.c + 1) if n < self.c else self.lost
        self.window = self.window if running else (n, now)
        self.c, self.s, self.rotated, self.idle_end = self.c + 1, max(self.s, n), now, now + INACTIVITY
        return self.c

    def use(self, n: int) -> int | type[Exception]:
        self.is_over = n in self.lost
        self.s = self.s if self.is_over else max(self.s, n)
        return AccessSessionEnded if self.is_over else self.c


class SessionMachine(RuleBasedStateMachine):
    """One person, any number of sessions, a clock that jumps, on a real database."""

    service: Service
    clock: FrozenClock
    grants = Bundle("grants")

    def __init__(self) -> None:
        super().__init__()
        self.expected: dict[Any, Expected] = {}
        self.is_suspended = False

    @initialize(target=grants)
    def begin(self) -> Grant:
        self.began_at = self.clock.now()
        empty(self.service.pool)
        self.service.person()
        return self.log_in_now()

    @rule(target=grants)
    def log_in(self) -> Grant:
        if self.is_suspended:
            self.service.accounts.reinstate(self.person_id)
            self.is_suspended = False
        return self.log_in_now()

    @rule(target=grants, grant=grants)
    def refresh(self, grant: Grant) -> Grant:
        model, now = self.expected[grant.session.id], self.clock.now()
        wanted = self.refusal(model, SessionRevoked, RefreshTokenExpired) or model.refresh(
            grant.session.generation, now
        )
        answer = self.attempt(lambda: self.service.refresh(grant))
        assert (answer.session.generation if isinstance(answer, Grant) else answer) == wanted
        return answer if isinstance(answer, Grant) else grant

    @rule(grant=grants)
    def use(self, grant: Grant) -> None:
        model = self.expected[grant.session.id]
        wanted = self.refusal(model, AccessSessionEnded, AccessSessionEnded) or model.use(
            grant.session.generation
        )
        answer = self.attempt(lambda: self.service.use(grant))
        assert (answer if isinstance(answer, type) else answer.session.generation) == wanted

    @rule(grant=grants)
    def log_out(self, grant: Grant) -> None:
        self.service.sessions.end(grant.session.id, FIREFOX)
        self.expected[grant.session.id].is_over = True

    @rule()
    def log_out_everywhere(self) -> None:
        self.service.sessions.end_all(self.person_id, FIREFOX)
        self.end_all()

    @rule()
    def suspend(self) -> None:
        self.service.accounts.suspend(self.person_id)
        self.is_suspended = True
        self.end_all()

    @rule(step=st.sampled_from(STEPS))
    def pass_time(self, step: timedelta) -> None:
        self.clock.advance(step)

    # Nothing is to be swept meanwhile: which rows a login looks at is left to chance.
    @precondition(lambda self: self.clock.now() - self.began_at < RETENTION - 1.5 * ABSOLUTE)
    @rule(end=st.sampled_from([INACTIVITY, ABSOLUTE]))
    def expire(self, end: timedelta) -> None:
        self.clock.advance(end)

    @invariant()
    def every_row_is_as_expected(self) -> None:
        for session_id, model in self.expected.items():
            row = self.service.row(session_id)
            assert (row.generation, row.seen_generation) == (model.c, model.s)
            assert (row.revoked_at is not None) == model.is_over
            assert row.absolute_expires_at == model.end

    def log_in_now(self) -> Grant:
        grant = self.service.log_in()
        self.person_id = grant.person.id
        self.expected[grant.session.id] = Expected(self.clock.now())
        return grant

    def refusal(
        self, model: Expected, over: type[Exception], expired: type[Exception]
    ) -> type[Exception] | None:
        if self.is_suspended:
            return AccountSuspended
        if model.is_over:
            return over
        return expired if model.is_expired(self.clock.now()) else None

    def attempt(self, act: Any) -> Any:
        try:
            return act()
        except REFUSALS as refusal:
            return type(refusal)

    def end_all(self) -> None:
        for model in self.expected.values():
            model.is_over = True


@pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"], indirect=True)
def test_sessions_do_what_the_model_says(service_for: ServiceFor, clock: FrozenClock):
    service = service_for(session_retention_seconds=int(RETENTION.total_seconds()))
    service.change_policy(max_sessions_per_person=1000)
    machine = type("Machine", (SessionMachine,), {"service": service, "clock": clock})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30,
            stateful_step_count=30,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
