"""Passwords are kept as today's parameters demand, and a wrong one costs what an unknown person costs."""

import sys
from types import FrameType
from typing import Any
from uuid import uuid4

import argon2
import pytest

from app.engine.candidates import LoginTarget
from app.engine.errors import InvalidCredentials
from app.models import LoginThrottle
from tests.conftest import on_every_database
from tests.engine.conftest import ServiceFor
from tests.engine.service import ADA, PASSWORD, Service
from tests.engine.statements import recorded_statements

ANOTHER, STRANGE = LoginTarget(organization_slug="another"), LoginTarget(organization_id=uuid4())


@pytest.fixture
def service(service: Service) -> Service:
    service.person()
    return service


def hashes_computed(act: Any) -> int:
    """Count how often argon2 is entered while `act` runs."""
    entered = 0

    def note(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal entered
        code = frame.f_code
        entered += event == "call" and code in {argon2.low_level.verify_secret.__code__, HASH.__code__}

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    return entered


HASH = argon2.low_level.hash_secret


def refused(service: Service, email: str, **options: Any) -> None:
    with pytest.raises(InvalidCredentials):
        service.prove(email, "a wrong password", **options)


@on_every_database
def test_an_old_hash_is_brought_to_todays_parameters_at_login(service: Service, service_for: ServiceFor):
    old = service.hashed_password()
    raised = service_for(password_argon2_iterations=2)

    raised.log_in()

    new = raised.hashed_password()
    assert old is not None
    assert new is not None
    assert (argon2.extract_parameters(old).time_cost, argon2.extract_parameters(new).time_cost) == (1, 2)
    raised.log_in()
    assert raised.hashed_password() == new
    assert service.log_in()


def test_a_wrong_password_does_not_touch_an_old_hash(service: Service, service_for: ServiceFor):
    old = service.hashed_password()

    refused(service_for(password_argon2_iterations=2), ADA)

    assert service.hashed_password() == old


@pytest.mark.parametrize(
    "case",
    [
        (ADA, {}),
        ("nobody@example.test", {}),
        (ADA, {"target": ANOTHER}),
        ("nobody@example.test", {"target": ANOTHER}),
        (ADA, {"target": STRANGE}),
        ("nobody@example.test", {"target": STRANGE}),
    ],
    ids=[
        "wrong password",
        "unknown",
        "wrong slug",
        "unknown with a wrong slug",
        "wrong id",
        "unknown with a wrong id",
    ],
)
def test_every_refusal_computes_one_hash(service: Service, case: tuple[str, dict[str, Any]]):
    email, options = case

    assert hashes_computed(lambda: refused(service, email, **options)) == 1


@on_every_database
def test_every_refusal_runs_the_same_statements(service: Service):
    def statements_of(email: str, **options: Any) -> list[str]:
        service.delete(LoginThrottle)
        with recorded_statements(service.pool) as statements:
            refused(service, email, **options)
        return [" ".join(statement.split()[:3]) for statement in statements]

    expected = statements_of(ADA)

    assert statements_of("nobody@example.test") == expected
    for target in (ANOTHER, STRANGE):
        assert statements_of(ADA, target=target) == expected
        assert statements_of("nobody@example.test", target=target) == expected


def test_a_person_without_a_password_cannot_log_in_with_any(service: Service):
    service.rewrite_person(hashed_password=None)

    assert hashes_computed(lambda: refused(service, ADA)) == 1
    with pytest.raises(InvalidCredentials):
        service.log_in(password=PASSWORD)


@pytest.mark.parametrize("stored", ["", "plain text", "$argon2id$broken"])
def test_what_is_no_hash_opens_nothing(service: Service, stored: str):
    service.rewrite_person(hashed_password=stored)

    with pytest.raises(InvalidCredentials):
        service.log_in(password=stored or PASSWORD)


def test_a_password_is_stored_as_argon2id(service: Service):
    stored = service.hashed_password()

    assert stored is not None
    assert argon2.extract_parameters(stored).type is argon2.Type.ID
    assert PASSWORD not in stored


def test_one_password_has_one_form_however_it_was_typed(service: Service):
    service.person("noel@example.test", "caf\N{LATIN SMALL LETTER E WITH ACUTE} au lait 1")

    assert service.log_in("noel@example.test", "cafe\N{COMBINING ACUTE ACCENT} au lait 1")
