"""Ending sessions: one, one's own, the others, all; and what ends them together with an account."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from app.engine.errors import (
    AccessSessionEnded,
    AccountDeleted,
    AccountSuspended,
    AuthError,
    MembershipLost,
    NotFound,
    OrganizationSuspended,
    SessionRevoked,
)
from app.engine.grant import Grant
from app.engine.mfa import RecoveryForm
from app.models import Membership, OneTimeCode, RecoveryCode, TotpDevice
from app.primitives.clock import FrozenClock
from tests.conftest import on_every_database
from tests.engine.factors import RFC_SECRET, give_device, give_recovery_codes
from tests.engine.service import FIREFOX, INACTIVITY, PASSWORD, Service, by_email

pytestmark = on_every_database
GRACE_OBSERVER = "grace@example.test"
NEW_PASSWORD = "a quite different staple 8"


@pytest.fixture
def service(service: Service) -> Service:
    person = service.person()
    service.person(GRACE_OBSERVER)
    service.engine.organizations.create(slug="acme", name="Acme")
    service.engine.organizations.add_member("acme", person.id)
    return service


def assert_refused(service: Service, grant: Grant, refresh: type[AuthError], access: type[AuthError]) -> None:
    with pytest.raises(refresh):
        service.refresh(grant)
    with pytest.raises(access):
        service.use(grant)


def assert_over(service: Service, grant: Grant) -> None:
    assert_refused(service, grant, SessionRevoked, AccessSessionEnded)


def test_the_list_has_live_sessions_only_and_the_most_recently_seen_first(
    service: Service, clock: FrozenClock
):
    expired = service.log_in()
    clock.advance(INACTIVITY)
    first, ended, second = service.log_in(), service.log_in(), service.log_in()
    service.log_in(GRACE_OBSERVER)
    service.sessions.end(ended.session.id, FIREFOX)
    clock.advance(timedelta(minutes=1))
    service.refresh(first)

    listed = [row.id for row in service.sessions.list_live(expired.person.id)]

    assert listed == [first.session.id, second.session.id]


def test_an_ended_session_stays_as_it_was_ended(service: Service, clock: FrozenClock):
    grant = service.log_in()
    service.sessions.end(grant.session.id, FIREFOX)
    before = service.row(grant)
    clock.advance(timedelta(minutes=1))

    service.sessions.end(grant.session.id, None)

    assert service.row(grant) == before
    assert before.revoked_reason == "logout"
    assert service.event_kinds().count("session:self:ended") == 1
    assert_over(service, grant)


def test_ending_an_unknown_session_is_not_found(service: Service):
    with pytest.raises(NotFound):
        service.sessions.end(uuid4(), FIREFOX)


def test_one_may_end_ones_own_session_and_nobody_elses(service: Service):
    own, theirs = service.log_in(), service.log_in(GRACE_OBSERVER)

    for session_id in (theirs.session.id, uuid4()):
        with pytest.raises(NotFound):
            service.sessions.end_own(own.person.id, session_id, FIREFOX)
    service.sessions.end_own(own.person.id, own.session.id, FIREFOX)

    assert service.row(theirs).revoked_at is None
    assert service.row(own).revoked_reason == "revoked"
    with pytest.raises(NotFound):
        service.sessions.end_own(own.person.id, own.session.id, FIREFOX)


def test_the_others_end_and_the_present_one_stays(service: Service):
    kept, *others = service.log_in(), service.log_in(), service.log_in()
    theirs = service.log_in(GRACE_OBSERVER)

    assert service.sessions.end_others(kept.person.id, kept.session.id, FIREFOX) == 2

    for other in others:
        assert_over(service, other)
    assert service.refresh(kept)
    assert service.refresh(theirs)


def test_logout_everywhere_ends_all_of_one_person(service: Service):
    grants, theirs = [service.log_in(), service.log_in()], service.log_in(GRACE_OBSERVER)

    assert service.sessions.end_all(grants[0].person.id, FIREFOX) == 2

    for grant in grants:
        assert_over(service, grant)
    assert service.refresh(theirs)
    assert service.log_in()


@pytest.mark.parametrize("superseded", [False, True], ids=["current", "superseded"])
def test_ending_refuses_superseded_tokens_too(service: Service, *, superseded: bool):
    first = service.log_in()
    second = service.refresh(first)
    service.sessions.end(first.session.id, FIREFOX)

    assert_over(service, first if superseded else second)


@pytest.mark.parametrize(
    ("end", "refusal"),
    [
        (lambda service, user_id: service.accounts.suspend(user_id), AccountSuspended),
        (lambda service, user_id: service.accounts.delete(user_id), AccountDeleted),
        (lambda service, _: service.engine.organizations.suspend("acme"), OrganizationSuspended),
        (lambda service, _: service.delete(Membership), MembershipLost),
    ],
    ids=["suspended", "deleted", "organization suspended", "membership lost"],
)
def test_whoever_may_not_go_on_is_told_so_on_the_next_request(
    service: Service, end: Callable[[Service, int], object], refusal: type[AuthError]
):
    grant, theirs = service.log_in(), service.log_in(GRACE_OBSERVER)

    end(service, grant.person.id)

    assert_refused(service, grant, refusal, refusal)
    assert service.refresh(theirs)


def test_reinstating_a_person_revives_no_session(service: Service):
    grant = service.log_in()
    service.accounts.suspend(grant.person.id)
    service.accounts.reinstate(grant.person.id)

    assert service.row(grant).revoked_reason == "suspended"
    assert_over(service, grant)
    assert service.refresh(service.log_in())


def test_reinstating_an_organization_revives_no_session(service: Service):
    grant = service.log_in()
    assert service.engine.organizations.suspend("acme") == 1
    service.engine.organizations.reinstate("acme")

    assert service.row(grant).revoked_reason == "suspended"
    assert_over(service, grant)
    assert service.refresh(service.log_in())


def test_a_deleted_person_leaves_nothing_personal_and_no_way_in(service: Service):
    grant = service.log_in()
    service.accounts.delete(grant.person.id)

    person = service.sessions.look_up(grant.session.id).person
    assert (person.email, person.name, person.attributes) == (None, None, {})
    with pytest.raises(AuthError, match="Invalid credentials"):
        service.log_in()


def test_a_deleted_person_leaves_no_place_factor_or_code_behind(service: Service):
    grant, theirs = service.log_in(), service.engine.accounts.find(by_email(GRACE_OBSERVER))
    organizations = service.engine.organizations
    organizations.add_member("acme", theirs.id, is_admin=True)
    for person in (grant.person, theirs):
        give_device(service.engine, person, RFC_SECRET)
        give_recovery_codes(service.engine, person, RecoveryForm.LONG)
        service.engine.password_resets.send_code(by_email(person.email or ""), FIREFOX)

    service.accounts.delete(grant.person.id)

    for model in (Membership, TotpDevice, RecoveryCode, OneTimeCode):
        assert service.owners(model) == {theirs.id}
    assert [member.id for member in organizations.list_members("acme", limit=10)] == [theirs.id]
    assert service.event_kinds()[-2:] == ["session:all:ended", "account:self:deleted"]
    service.accounts.delete(theirs.id)
    assert organizations.list_members("acme", limit=10) == []


def test_a_password_change_ends_every_session_and_mails(service: Service):
    grants = [service.log_in(), service.log_in()]

    service.credentials.change_password(
        grants[0].person.id, PASSWORD, NEW_PASSWORD, FIREFOX, service.engine.login_rule
    )

    for grant in grants:
        assert service.row(grant).revoked_reason == "password_changed"
        assert_over(service, grant)
    assert service.subjects() == ["Your password was changed"]
    assert service.refresh(service.log_in(password=NEW_PASSWORD))


def test_a_password_change_may_keep_the_session_it_was_made_in(service: Service):
    kept, other = service.log_in(), service.log_in()

    service.credentials.change_password(
        kept.person.id, PASSWORD, NEW_PASSWORD, FIREFOX, service.engine.login_rule, kept=kept.session.id
    )

    assert_over(service, other)
    assert service.refresh(kept)


def test_an_administrators_new_password_ends_every_session_and_mails(service: Service):
    grant = service.log_in()

    service.credentials.set_password(grant.person.id, NEW_PASSWORD)

    assert_over(service, grant)
    assert service.subjects() == ["Your password was changed"]


@pytest.mark.parametrize(("current", "new"), [("wrong", NEW_PASSWORD), (PASSWORD, PASSWORD), (PASSWORD, "x")])
def test_a_refused_password_change_ends_nothing(service: Service, current: str, new: str):
    grant = service.log_in()

    with pytest.raises(AuthError):
        service.credentials.change_password(grant.person.id, current, new, FIREFOX, service.engine.login_rule)

    assert service.refresh(grant)
    assert service.subjects() == []
