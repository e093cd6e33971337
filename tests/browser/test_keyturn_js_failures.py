"""What decides nothing signs nobody out: a service that is down, slow or busy, a network that is gone."""

import pytest

from tests.browser.complaints import Complaints
from tests.browser.driver import Route
from tests.browser.stored import Stored
from tests.browser.tab import Application, Person, Tab
from tests.npm.rows import locked_database

REFRESH = "**/auth/refresh-token"
USER = "**/auth/user"


@pytest.fixture(autouse=True)
def failures_are_expected(complaints: Complaints) -> None:
    complaints.expect(r"status of (403|404|429|50\d)|net::ERR_")


def test_service_that_is_down_signs_nobody_out(application: Application, tab: Tab, person: Person) -> None:
    tab.wait_until_expired()
    application.site.server.stop()
    try:
        tab.run("keyturn.fetch('/auth/me').then(() => { throw new Error('answered') }, () => null)")
        assert tab.failure("keyturn.sessions()")["status"] == 0
    finally:
        application.site.server.start()
    assert_still_signed_in(tab)


def test_locked_database_signs_nobody_out(application: Application, tab: Tab, person: Person) -> None:
    tab.wait_until_expired()
    with locked_database(application.site.server):
        failure = tab.failure("keyturn.fetch('/auth/me')")
    assert (failure["status"], failure["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert failure["retryAfter"] >= 1
    assert application.refreshes == 3
    assert_still_signed_in(tab)


def test_offline_signs_nobody_out(application: Application, tab: Tab, person: Person) -> None:
    tab.wait_until_expired()
    application.context.set_offline(offline=True)
    assert tab.failure("keyturn.sessions()")["status"] == 0
    assert tab.failure("keyturn.logout()")["status"] == 0
    application.context.set_offline(offline=False)
    assert_still_signed_in(tab)


STRANGE = [
    (401, "<h1>Log in to this hotel's network</h1>"),
    (403, '{"statusCode": 403, "code": "CSRF_ORIGIN_REJECTED", "message": "no"}'),
    (404, "not found"),
    (200, "<h1>Welcome</h1>"),
]


def test_answer_that_says_nothing_of_the_session_signs_nobody_out(
    application: Application, tab: Tab, person: Person
) -> None:
    tab.wait_until_expired()
    for status, body in STRANGE:
        answer(application, REFRESH, status, body)
        tab.failure("keyturn.fetch('/auth/me')")
        application.context.unroute(REFRESH)
    assert_still_signed_in(tab)


# What is wrong only for a call that says who somebody is: of these none names a person or is the service's.
NOBODY = [
    (200, "{}"),
    (200, "null"),
    (403, "<h1>Forbidden</h1>"),
    (403, '{"statusCode": 403, "code": "ACCESS_DENIED", "message": "no"}'),
]


def test_check_believes_nobody_but_the_service(application: Application, tab: Tab, person: Person) -> None:
    for status, body in STRANGE + NOBODY:
        answer(application, USER, status, body)
        assert tab.failure("keyturn.check()")["status"] == status
        application.context.unroute(USER)
    assert_still_signed_in(tab)


def test_check_of_a_visitor_signs_nobody_in(application: Application, tab: Tab) -> None:
    for status, body in STRANGE + NOBODY:
        answer(application, USER, status, body)
        assert tab.failure("keyturn.check()")["status"] == status
        assert not tab.signed_in()
        application.context.unroute(USER)
    assert tab.run("keyturn.check()") is False


def test_check_knows_a_person_whose_password_has_to_be_changed(
    application: Application, tab: Tab, person: Person
) -> None:
    Stored(application.site, person.email).change(must_change_password=True)
    assert tab.fetch("/auth/user") == 403
    assert tab.run("keyturn.check()") is True
    assert tab.signed_in() is True


def test_refresh_is_tried_again_as_late_as_the_service_wishes(
    application: Application, tab: Tab, person: Person
) -> None:
    tab.wait_until_expired()
    answers = iter([429])

    def refuse_once(route: Route) -> None:
        if status := next(answers, None):
            route.fulfill(status=status, headers={"Retry-After": "2"}, body="{}")
        else:
            route.continue_()

    application.context.route(REFRESH, refuse_once)
    took = "const began = Date.now(); await keyturn.fetch('/auth/me'); return Date.now() - began"
    assert tab.run(f"(async () => {{ {took} }})()") >= 2_000
    assert application.refreshes == 2
    assert_still_signed_in(tab)


def test_refresh_is_not_asked_for_before_a_long_wait_is_over(
    application: Application, tab: Tab, person: Person
) -> None:
    tab.wait_until_expired()
    busy = '{"statusCode": 429, "code": "RATE_LIMITED"}'
    answer(application, REFRESH, 429, busy, **{"Retry-After": "60"})
    for _ in range(3):
        failure = tab.failure("keyturn.fetch('/auth/me')")
        assert (failure["status"], failure["code"], failure["retryAfter"]) == (429, "RATE_LIMITED", 60)
    assert application.refreshes == 1
    assert tab.signed_in() is True


def answer(application: Application, path: str, status: int, body: str, **headers: str) -> None:
    """Stand between the browser and the service, as proxies and hotels do."""
    application.context.route(path, lambda route: route.fulfill(status=status, body=body, headers=headers))


def assert_still_signed_in(tab: Tab) -> None:
    assert tab.heard("signedout") == []
    assert tab.signed_in() is True
    assert tab.fetch() == 200
