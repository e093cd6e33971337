"""Opening sessions: how many at once, in place of which, and for whom not."""

from datetime import timedelta

import pytest

from app.engine.errors import AccountDeleted, AccountSuspended, MembershipLost, OrganizationSuspended
from app.engine.proof import StaleProof
from app.models import Membership
from app.primitives.clock import FrozenClock
from tests.conftest import on_every_database
from tests.engine.service import FIREFOX, Service

pytestmark = on_every_database


@pytest.fixture
def service(service: Service) -> Service:
    person = service.person()
    service.engine.organizations.create(slug="acme", name="Acme")
    service.engine.organizations.add_member("acme", person.id)
    return service


def test_beyond_the_limit_the_least_recently_seen_session_ends(service: Service, clock: FrozenClock):
    service.change_policy(max_sessions_per_person=3)
    grants = []
    for _ in range(3):
        clock.advance(timedelta(minutes=1))
        grants.append(service.log_in())
    clock.advance(timedelta(minutes=1))
    service.refresh(grants[0])

    service.log_in()

    reasons = [service.row(grant).revoked_reason for grant in grants]
    assert reasons == [None, "too_many", None]
    assert len(service.sessions.list_live(grants[0].person.id)) == 3


def test_sessions_of_another_contract_are_neither_counted_nor_ended(service: Service, clock: FrozenClock):
    elsewhere = [service.log_in() for _ in range(3)]
    service.change_policy(contract="another", max_sessions_per_person=2)

    grants = []
    for _ in range(3):
        clock.advance(timedelta(minutes=1))
        grants.append(service.log_in())

    assert [service.row(grant).revoked_reason for grant in elsewhere] == [None, None, None]
    assert [service.row(grant).revoked_reason for grant in grants] == ["too_many", None, None]
    ended = [event.session_id for event in service.events() if event.kind == "session:self:ended"]
    assert ended == [grants[0].session.id]


def test_a_login_with_tokens_replaces_their_session(service: Service):
    first, other = service.log_in(), service.log_in()

    second = service.log_in(replacing=first.refresh_token)

    assert service.row(first).revoked_reason == "replaced"
    assert service.row(other).revoked_at is None
    assert service.row(second).revoked_at is None


def test_a_login_with_a_strangers_token_replaces_nothing(service: Service):
    first = service.log_in()

    assert service.log_in(replacing="kt1_garbage")
    assert service.row(first).revoked_at is None


def test_a_login_proven_before_logout_everywhere_opens_nothing(service: Service):
    proof = service.prove()
    service.sessions.end_all(proof.user_id, None)

    with pytest.raises(StaleProof):
        service.sessions.open(proof, service.policy, FIREFOX)

    assert service.sessions.count() == 0
    assert service.log_in()


def test_a_login_proven_before_a_suspension_opens_nothing_afterwards(service: Service):
    proof = service.prove()
    service.accounts.suspend(proof.user_id)
    with pytest.raises(AccountSuspended):
        service.sessions.open(proof, service.policy, FIREFOX)

    service.accounts.reinstate(proof.user_id)
    with pytest.raises(StaleProof):
        service.sessions.open(proof, service.policy, FIREFOX)


def test_a_login_proven_before_a_deletion_opens_nothing(service: Service):
    proof = service.prove()
    service.accounts.delete(proof.user_id)

    with pytest.raises(AccountDeleted):
        service.sessions.open(proof, service.policy, FIREFOX)


def test_a_login_proven_before_the_organization_was_suspended_opens_nothing(service: Service):
    proof = service.prove()
    service.engine.organizations.suspend("acme")

    with pytest.raises(OrganizationSuspended):
        service.sessions.open(proof, service.policy, FIREFOX)


def test_a_login_proven_before_the_membership_was_lost_opens_nothing(service: Service):
    proof = service.prove()
    service.delete(Membership)

    with pytest.raises(MembershipLost):
        service.sessions.open(proof, service.policy, FIREFOX)


def test_the_first_active_organization_becomes_the_sessions_own(service: Service):
    grant = service.log_in()

    assert grant.organization is not None
    assert (grant.organization.slug, grant.organization.role) == ("acme", "MEMBER")
    assert service.refresh(grant).organization == grant.organization
