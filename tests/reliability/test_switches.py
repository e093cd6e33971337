"""No switch of organization slips past an ending, and what was ended stays ended when that is undone."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import func, select, text

from app.delivery import MemorySender
from app.engine.errors import AccessSessionEnded, AccountUnavailable, InvalidRefreshToken, NotFound
from app.engine.grant import Grant
from app.models import Session
from app.primitives.clock import FrozenClock
from tests.conftest import SettingsFor, on_every_database
from tests.engine.service import FIREFOX, Service
from tests.reliability.promises import ROUNDS

SLUG = "target"
# Shorter than anybody waits for a lock, and longer than it takes to come to one.
QUEUE_SECONDS = 4
# Who of this database waits for a lock at the moment.
WAITING = {
    "postgresql": (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ),
    "mysql": (
        "SELECT count(*) FROM information_schema.innodb_trx JOIN information_schema.processlist "
        "ON trx_mysql_thread_id = id WHERE db = database() AND trx_state = 'LOCK WAIT'"
    ),
}
on_servers = pytest.mark.parametrize("database_kind", ["postgresql", "mariadb"], indirect=True)


class Member:
    """A person with one session outside of an organization and one in it."""

    def __init__(self, service: Service, email: str) -> None:
        self.service, self.organizations = service, service.engine.organizations
        self.id = service.person(email).id
        # A login of a member would begin inside.
        self.outside = service.log_in(email)
        self.organizations.add_member(SLUG, self.id)
        self.inside = service.log_in(email)
        self._target = self.organizations.find(SLUG).id

    def switch(self) -> Grant | None:
        """Take the session that is outside in; None if that is refused."""
        snapshot = self.service.sessions.look_up(self.outside.session.id)
        try:
            return self.organizations.switch(snapshot, self._target, self.service.policy, FIREFOX)
        except (NotFound, AccessSessionEnded):
            return None

    def live_inside(self) -> int:
        """Count live sessions in any organization, past the service."""
        live = select(func.count()).where(Session.organization_id.is_not(None), Session.revoked_at.is_(None))
        with self.service.pool.connect() as connection:
            return connection.scalar(live) or 0

    def goes_on(self, grant: Grant) -> bool:
        try:
            self.service.refresh(grant)
        except (InvalidRefreshToken, AccountUnavailable):
            return False
        return True

    @contextmanager
    def held_up(self, grant: Grant) -> Iterator[None]:
        """Keep a session's row, so that whoever comes to it stops in the middle of what it does."""
        row = select(Session.id).where(Session.id == grant.session.id).with_for_update()
        with self.service.pool.begin() as connection:
            connection.execute(row)
            yield

    def await_queue(self, length: int) -> None:
        """Return when so many wait for locks."""
        give_up_at = time.monotonic() + QUEUE_SECONDS
        with self.service.pool.connect() as connection:
            while connection.scalar(text(WAITING[connection.dialect.name])) != length:
                assert time.monotonic() < give_up_at, f"not {length} came to a lock"
                connection.rollback()
                # MariaDB tells whoever asks within a tenth of a second what it told the last time.
                time.sleep(0.15)


# What ends sessions, and what undoes it.
ENDINGS: dict[str, tuple[Callable[[Member], object], Callable[[Member], object]]] = {
    "organization suspended": (
        lambda member: member.organizations.suspend(SLUG),
        lambda member: member.organizations.reinstate(SLUG),
    ),
    "membership lost": (
        lambda member: member.organizations.remove_member(SLUG, member.id),
        lambda member: member.organizations.add_member(SLUG, member.id),
    ),
    "person suspended": (
        lambda member: member.service.accounts.suspend(member.id),
        lambda member: member.service.accounts.reinstate(member.id),
    ),
    "person removed": (lambda member: member.service.accounts.delete(member.id), lambda _: None),
}


@pytest.fixture
def service(
    empty_database: None, settings_for: SettingsFor, clock: FrozenClock, outbox: MemorySender
) -> Iterator[Service]:
    made = Service(settings_for(), clock, outbox)
    made.engine.organizations.create(slug=SLUG, name="Target")
    yield made
    made.pool.dispose()


def race(member: Member, end: Callable[[Member], object]) -> Grant | None:
    """Switch and end at once, and return what the switch granted."""
    barrier = threading.Barrier(2)

    def end_it() -> None:
        barrier.wait()
        end(member)

    with ThreadPoolExecutor(1) as thread:
        ending = thread.submit(end_it)
        barrier.wait()
        moved = member.switch()
        ending.result()
    return moved


@on_every_database
@pytest.mark.parametrize("ending", ENDINGS)
def test_nothing_is_live_after_an_ending_that_races_with_a_switch(
    service: Service, ending: str, figure: Callable[[str], None]
) -> None:
    end, undo = ENDINGS[ending]
    taken_in = 0
    for number in range(ROUNDS):
        member = Member(service, f"member-{number}@example.test")
        moved = race(member, end)
        taken_in += moved is not None
        assert member.live_inside() == 0
        undo(member)
        assert not any(member.goes_on(grant) for grant in (moved, member.inside) if grant)
        # Whoever was suspended as a person has lost the session outside too.
        is_left_outside = ending in {"organization suspended", "membership lost"}
        assert member.goes_on(member.outside) is (moved is None and is_left_outside)
    figure(
        f"F22 {service.pool.dialect.name}, switch against {ending}: {ROUNDS} races, {taken_in} won by the "
        f"switch, 0 sessions live after the ending or after it was undone"
    )


@on_servers
def test_suspension_in_the_middle_of_a_switch_waits_for_it_and_ends_what_it_made(service: Service) -> None:
    member = Member(service, "member@example.test")
    with ThreadPoolExecutor(2) as threads:
        with member.held_up(member.outside):
            switching = threads.submit(member.switch)
            member.await_queue(1)
            suspending = threads.submit(member.organizations.suspend, SLUG)
            member.await_queue(2)
        moved = switching.result()

    assert moved is not None
    assert suspending.result() == 2
    assert member.live_inside() == 0
    member.organizations.reinstate(SLUG)
    assert not member.goes_on(moved)


@on_servers
def test_switch_in_the_middle_of_a_suspension_waits_for_it_and_is_refused(service: Service) -> None:
    member = Member(service, "member@example.test")
    with ThreadPoolExecutor(2) as threads:
        with member.held_up(member.inside):
            suspending = threads.submit(member.organizations.suspend, SLUG)
            member.await_queue(1)
            switching = threads.submit(member.switch)
            member.await_queue(2)
        assert suspending.result() == 1

    assert switching.result() is None
    assert member.live_inside() == 0
    member.organizations.reinstate(SLUG)
    assert not member.goes_on(member.inside)
    assert member.goes_on(member.outside)
    assert "session:organization:switched" not in service.event_kinds()[-2:]
