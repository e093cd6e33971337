"""Notices: to proven addresses where strangers could be meant, in our own words, and only so many an hour."""

from datetime import timedelta

import pytest

from app.engine.client import Client
from app.engine.devices import recognized_device
from app.engine.events import EventKind
from app.primitives.clock import FrozenClock
from tests.engine.conftest import ServiceFor
from tests.engine.service import ADA, FIREFOX, Service

NEW_DEVICE = "New sign-in to your account"
LURE = "Your parcel waits: https://evil.example/"


@pytest.fixture
def service(service_for: ServiceFor) -> Service:
    service = service_for(messages_per_hour=5)
    service.person()
    service.log_in()
    return service


def log_in_from(service: Service, number: int) -> None:
    """Log in with a user agent that was never seen, and a lure in every text of the caller's."""
    agent = f"{LURE}{chr(ord('a') + number)}"
    service.log_in(client=Client(ip_address="198.51.100.7", user_agent=agent, device_name=LURE))


def test_address_that_is_not_proven_hears_of_no_new_device(service: Service):
    log_in_from(service, 0)

    assert service.outbox.messages == []
    assert service.event_kinds()[-1] == "session:login:succeeded"


def test_new_device_is_told_without_a_word_of_the_callers(service: Service):
    service.rewrite_person(email_verified_at=service.clock.now())

    log_in_from(service, 0)

    [message] = service.outbox.messages
    assert (message.recipient, message.subject) == (ADA, NEW_DEVICE)
    assert "an unknown device, from 198.51.100.7, at 2026-03-01 12:00 UTC" in message.text
    assert "evil" not in message.text + (message.html or "")
    assert "parcel" not in message.text + (message.html or "")


def test_new_devices_are_told_so_many_times_an_hour(service: Service, clock: FrozenClock):
    service.rewrite_person(email_verified_at=service.clock.now())
    for number in range(8):
        log_in_from(service, number)
    assert service.subjects() == [NEW_DEVICE] * 5
    assert service.event_kinds().count("session:login:succeeded") == 9

    clock.advance(timedelta(hours=1))
    log_in_from(service, 9)
    assert service.subjects() == [NEW_DEVICE] * 6


def test_other_notices_are_counted_by_kind_and_person(service: Service):
    person = service.log_in().person
    for number in range(8):
        service.accounts.change(person.id, {"username": f"ada-{number}"})
    service.credentials.set_password(person.id, "a quite different staple")

    assert service.subjects() == ["The user name of your account was changed"] * 5 + [
        "Your password was changed"
    ]
    bob = service.person("bob@example.test")
    service.accounts.change(bob.id, {"username": "bob"})
    assert service.outbox.messages[-1].recipient == "bob@example.test"


def test_reuse_is_told_so_many_times_an_hour(service: Service):
    for _ in range(8):
        grant = service.log_in()
        service.sessions._refresher.end_for_reuse(  # noqa: SLF001 - what every way to detect reuse ends in
            grant.snapshot, EventKind.REFRESH_REUSED, 1, FIREFOX
        )

    assert service.subjects() == ["We ended one of your sessions"] * 5
    assert service.event_kinds().count("session:refresh:reused") == 8


@pytest.mark.parametrize(
    ("agent", "named"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Dalvik/1.6.0 (Linux; U; Android 4.4.2; https://evil.example)", "a device with Android"),
        ("Firefox/140.0", "Firefox"),
        ("parcel-evil.example-bot/1.0", "an unknown device"),
        ("", "an unknown device"),
        (None, "an unknown device"),
    ],
)
def test_devices_are_named_in_our_words(agent: str | None, named: str):
    assert recognized_device(agent) == named
