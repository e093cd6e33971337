"""Refreshing on a real database: what is answered, what the row says afterwards, which event tells of it."""

from datetime import timedelta

import pytest

from app.engine.errors import (
    AccessSessionEnded,
    InvalidAccessToken,
    InvalidRefreshToken,
    RefreshTokenExpired,
    RefreshTokenReused,
    SessionRevoked,
)
from app.engine.rotation import Windows
from app.primitives.clock import FrozenClock
from tests.conftest import START, on_every_database
from tests.engine.service import ABSOLUTE, ACCESS, CURL, GRACE, INACTIVITY, RECOVERY, TICK, Service

pytestmark = on_every_database
DAY = timedelta(days=1)


@pytest.fixture
def service(service: Service) -> Service:
    service.person()
    return service


def test_a_login_opens_a_session_at_its_first_generation(service: Service):
    grant = service.log_in()

    row = service.row(grant)
    assert (row.generation, row.seen_generation, row.rotated_at) == (1, 0, START)
    assert (row.inactivity_expires_at, row.absolute_expires_at) == (START + INACTIVITY, START + ABSOLUTE)
    assert len(row.salt) == 16
    assert grant.access_expires_at == START + ACCESS
    assert service.event_kinds()[-1] == "session:login:succeeded"


def test_every_login_has_a_salt_of_its_own(service: Service):
    assert len({service.row(service.log_in()).salt for _ in range(10)}) == 10


def test_a_refresh_moves_the_row_on_and_writes_no_event(service: Service, clock: FrozenClock):
    first = service.log_in()
    events = service.event_kinds()
    clock.advance(ACCESS)

    second = service.refresh(first, CURL)

    row = service.row(first)
    assert second.refresh_token != first.refresh_token
    assert (row.generation, row.seen_generation, row.rotated_at) == (2, 1, START + ACCESS)
    assert (row.ip_address, row.user_agent, row.last_seen_at) == ("198.51.100.7", "curl", START + ACCESS)
    assert service.event_kinds() == events


def test_rotating_for_weeks_keeps_one_row(service: Service, clock: FrozenClock):
    grant = service.log_in()
    for _ in range(30):
        clock.advance(DAY)
        grant = service.refresh(grant)

    assert service.sessions.count() == 1
    assert service.row(grant).generation == 31


def test_a_repeat_is_the_same_answer_and_leaves_the_chain_alone(service: Service, clock: FrozenClock):
    first = service.log_in()
    second = service.refresh(first)
    before = service.row(first)
    clock.advance(GRACE)

    again = service.refresh(first, CURL)

    assert again.refresh_token == second.refresh_token
    assert again.access_expires_at == START + GRACE + ACCESS
    assert service.row(first) == before
    event = service.events()[-1]
    assert event.kind == "session:refresh:repeated"
    assert (event.details["address_changed"], event.details["user_agent_changed"]) == (True, True)


def test_a_lost_answer_is_recovered_and_given_up(service: Service, clock: FrozenClock):
    first = service.log_in()
    lost = service.refresh(first)
    clock.advance(RECOVERY)

    recovered = service.refresh(first)

    row = service.row(first)
    assert (row.generation, row.seen_generation) == (3, 1)
    assert (row.given_up_from, row.given_up_to) == (2, 2)
    assert recovered.refresh_token not in {first.refresh_token, lost.refresh_token}
    assert service.event_kinds()[-1] == "session:refresh:recovered"


def test_a_given_up_refresh_token_that_comes_back_ends_the_session(service: Service, clock: FrozenClock):
    first = service.log_in()
    lost = service.refresh(first)
    clock.advance(DAY)
    recovered = service.refresh(first)

    with pytest.raises(RefreshTokenReused):
        service.refresh(lost)

    assert service.row(first).revoked_reason == "reuse"
    with pytest.raises(SessionRevoked):
        service.refresh(recovered)


def test_a_given_up_access_token_that_comes_back_ends_the_session(service: Service, clock: FrozenClock):
    first = service.log_in()
    lost = service.refresh(first)
    clock.advance(GRACE + TICK)
    service.refresh(first)

    with pytest.raises(AccessSessionEnded):
        service.use(lost)

    assert service.row(first).revoked_reason == "reuse"
    assert service.event_kinds()[-1] == "session:access:reused"
    assert service.subjects() == ["We ended one of your sessions"]


def test_reuse_ends_this_session_and_no_other_and_tells_the_person(service: Service, clock: FrozenClock):
    other, first = service.log_in(), service.log_in()
    second = service.refresh(first)
    service.use(second)
    clock.advance(GRACE + TICK)

    with pytest.raises(RefreshTokenReused):
        service.refresh(first, CURL)

    assert service.row(first).revoked_reason == "reuse"
    event = service.events()[-1]
    assert (event.kind, event.ip_address) == ("session:refresh:reused", "198.51.100.7")
    assert (event.details["presented"], event.details["current"]) == (1, 2)
    assert service.subjects() == ["We ended one of your sessions"]
    assert service.refresh(other)


def test_reuse_is_told_once_however_often_the_token_comes_back(service: Service, clock: FrozenClock):
    first = service.log_in()
    service.refresh(service.refresh(first))
    clock.advance(GRACE + TICK)
    with pytest.raises(RefreshTokenReused):
        service.refresh(first)

    for _ in range(3):
        with pytest.raises(SessionRevoked):
            service.refresh(first)

    assert service.event_kinds().count("session:refresh:reused") == 1
    assert len(service.subjects()) == 1


def test_a_row_set_back_by_a_restored_backup_goes_on(service: Service, clock: FrozenClock):
    first = service.log_in()
    backup = service.row(first)
    newest = service.refresh(service.refresh(service.refresh(first)))
    columns = ("generation", "seen_generation", "rotated_at", "grace_generation", "grace_started_at")
    service.rewrite(first, **{name: getattr(backup, name) for name in columns})
    clock.advance(DAY)

    service.use(newest)
    assert service.row(first).seen_generation == 0
    service.refresh(newest)

    row = service.row(first)
    assert (row.generation, row.seen_generation) == (5, 4)
    assert service.event_kinds()[-1] == "session:refresh:ahead"


def test_grace_zero_is_strict_single_use(service: Service):
    service.change_policy(windows=Windows(grace=timedelta(0), recovery=timedelta(0)))
    first = service.log_in()
    second = service.refresh(first)

    with pytest.raises(RefreshTokenReused):
        service.refresh(first)
    with pytest.raises(SessionRevoked):
        service.refresh(second)


def test_rotation_slides_the_inactivity_clock(service: Service, clock: FrozenClock):
    first = service.log_in()
    clock.advance(INACTIVITY - TICK)
    second = service.refresh(first)

    assert service.row(first).inactivity_expires_at == clock.now() + INACTIVITY
    clock.advance(INACTIVITY)
    with pytest.raises(RefreshTokenExpired):
        service.refresh(second)
    with pytest.raises(AccessSessionEnded):
        service.use(second)
    assert service.row(first).revoked_at is None


def test_the_absolute_end_never_moves_and_no_access_token_outlives_it(service: Service, clock: FrozenClock):
    grant = service.log_in()
    for _ in range(8):
        clock.advance(timedelta(days=10))
        grant = service.refresh(grant)
        assert service.row(grant).absolute_expires_at == START + ABSOLUTE
    clock.advance(timedelta(days=10) - TICK)
    grant = service.refresh(grant)

    assert grant.access_expires_at == START + ABSOLUTE
    clock.advance(TICK)
    with pytest.raises(RefreshTokenExpired):
        service.refresh(grant)


def test_a_change_of_rights_makes_every_earlier_token_invalid_at_once(service: Service):
    first = service.log_in()
    second = service.refresh(first)
    third = service.refresh(second)
    service.rewrite(third, floor_generation=3)

    with pytest.raises(InvalidRefreshToken):
        service.refresh(second)
    with pytest.raises(InvalidAccessToken):
        service.use(second)
    assert service.row(first).revoked_at is None
    assert service.use(third)


def test_a_stranger_changes_nothing(service: Service):
    grant = service.log_in()
    before, events = service.row(grant), service.event_kinds()
    service.rewrite(grant, salt=b"another sixteen!")

    for token in (grant.refresh_token, "", "kt1_garbage", grant.refresh_token[:-1] + "A"):
        with pytest.raises(InvalidRefreshToken):
            service.refresh(token)

    assert service.row(grant) == before._replace(salt=b"another sixteen!")
    assert service.event_kinds() == events


def test_a_token_of_one_contract_is_a_stranger_to_another(service: Service):
    grant = service.log_in()
    service.change_policy(contract="another")

    with pytest.raises(InvalidRefreshToken):
        service.refresh(grant)
    with pytest.raises(AccessSessionEnded):
        service.use(grant)


def test_where_the_access_token_dies_at_refresh_only_the_newest_passes(service: Service):
    service.change_policy(access_dies_at_refresh=True)
    first = service.log_in()
    second = service.refresh(first)

    with pytest.raises(InvalidAccessToken):
        service.use(first)
    assert service.use(second)
