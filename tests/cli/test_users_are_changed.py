"""`users set`, `set-password`, `suspend`, `reinstate`, `delete`."""

import pyotp
import pytest

from app.engine.client import Client
from app.engine.errors import AccountSuspended, InvalidCredentials, NotFound
from app.engine.events import EventKind
from app.engine.refreshing import EndReason
from app.engine.snapshot import SessionRow
from tests.cli.conftest import Service

EMAIL = "ada@example.test"


def test_columns_and_attributes_are_set_from_json(ada):
    pairs = (
        'premium_tier="GOLD"',
        "role_id=2",
        'roles=["A", "B"]',
        'phone="+49 170 1234567"',
        'name="Ada B"',
    )
    result = ada.run("users", "set", EMAIL, *pairs)

    assert result.stdout == f"Changed premium_tier, role_id, roles, phone, name of {EMAIL}.\n"
    person = ada.person()
    assert person.attributes == {"premium_tier": "GOLD", "role_id": 2, "roles": ["A", "B"]}
    assert (person.phone, person.name) == ("+491701234567", "Ada B")
    (event,) = ada.events(EventKind.ACCOUNT_CHANGED)
    assert event.details == {"fields": ["name", "phone", "premium_tier", "role_id", "roles"]}


def test_null_removes_an_attribute(ada):
    ada.run("users", "set", EMAIL, "role_id=2")

    assert ada.run_json("users", "set", EMAIL, "role_id=null")["attributes"] == {}


def test_a_bare_word_is_refused_with_the_quoting_that_works(ada):
    result = ada.run("users", "set", EMAIL, "premium_tier=GOLD", exits=2)

    assert """'GOLD' is not JSON""" in result.stderr
    assert """premium_tier='"GOLD"'""" in result.stderr
    assert ada.person().attributes == {}


@pytest.mark.parametrize(
    "pair", ["role_id", "=2", "a=NaN", "a=1e999", r'a="\ud800"', "a=", "a=" + "[" * 20_000]
)
def test_what_no_database_would_keep_is_wrong_usage(ada, pair):
    ada.run("users", "set", EMAIL, pair, exits=2)

    assert ada.person().attributes == {}


@pytest.mark.parametrize(
    ("pair", "sentence"),
    [
        ("name=5", "name must be a string"),
        ("role=null", "role must be a string"),
        ('must_change_password="yes"', "must_change_password must be true or false"),
        ('phone="call me"', "phone must be a phone number"),
        ("email=1", "email must be a string"),
        ('username=" "', "username must not be empty or contain @"),
        ('username="bob@example.test"', "username must not be empty or contain @"),
    ],
)
def test_a_column_takes_its_own_kind_of_value(ada, pair, sentence):
    assert ada.run("users", "set", EMAIL, pair, exits=1).stderr == f"Error: {sentence}\n"


def test_an_address_of_somebody_else_is_refused(ada):
    ada.run("users", "create", "--email", "bob@example.test", "--password", "correct horse battery")

    result = ada.run("users", "set", "bob@example.test", f'email="{EMAIL}"', exits=1)
    assert result.stderr == "Error: This e-mail address is already in use.\n"


def test_the_old_address_is_told_that_there_is_another_and_not_which(ada):
    ada.run("users", "set", EMAIL, 'email="grace@example.test"', 'username="grace"')

    (notice,) = ada.sender.messages
    assert notice.recipient == EMAIL
    assert notice.subject == "The e-mail address of your account was changed"
    assert "the user name of your account was changed." in notice.text
    assert "grace" not in notice.text + (notice.html or "")
    ada.run("users", "set", "grace@example.test", 'username="hopper"')
    assert (ada.sender.messages[-1].recipient, ada.sender.messages[-1].subject) == (
        "grace@example.test",
        "The user name of your account was changed",
    )


def test_nothing_is_told_of_what_stays_or_is_no_way_to_sign_in(ada):
    ada.run("users", "set", EMAIL, f'email="{EMAIL.upper()}"', 'name="Grace"', "role_id=2")

    assert ada.sender.messages == []


def test_a_new_password_ends_every_session_and_a_mail_tells_of_it(ada):
    session = ada.log_in()

    ada.run("users", "set-password", EMAIL, "--password", "another horse")

    assert ada.engine.sessions.look_up(session.id).session.revoked_reason == EndReason.PASSWORD_CHANGED
    assert ada.log_in(password="another horse")
    with pytest.raises(InvalidCredentials):
        ada.log_in()
    assert [message.recipient for message in ada.sender.messages] == [EMAIL]
    assert [event.actor for event in ada.events(EventKind.PASSWORD_CHANGED)] == ["administrator"]


def test_suspending_ends_sessions_and_reinstating_lets_in_again(ada):
    session = ada.log_in()

    assert ada.run_json("users", "suspend", EMAIL)["status"] == "suspended"
    assert ada.engine.sessions.look_up(session.id).session.revoked_reason == EndReason.SUSPENDED
    with pytest.raises(AccountSuspended):
        ada.log_in()

    assert ada.run("users", "reinstate", EMAIL).stdout == f"Reinstated {EMAIL}.\n"
    assert ada.log_in()
    assert len(ada.events(EventKind.ACCOUNT_SUSPENDED)) == len(ada.events(EventKind.ACCOUNT_REINSTATED)) == 1


def test_a_deleted_person_is_gone_and_the_address_is_free(ada):
    person = ada.person()

    document = ada.run_json("users", "delete", EMAIL)

    assert document == {"id": person.id, "uuid": str(person.uuid), "deleted": True}
    with pytest.raises(NotFound):
        ada.person()
    ada.run("users", "create", "--email", EMAIL, "--password", "correct horse battery")


@pytest.mark.parametrize(
    "command",
    [
        ("users", "show"),
        ("users", "suspend"),
        ("users", "reinstate"),
        ("users", "delete"),
        ("users", "reset-mfa"),
        ("users", "set-password", "--password", "correct horse battery"),
        ("users", "set", "a=1"),
        ("sessions", "list"),
        ("sessions", "revoke-all"),
    ],
)
def test_an_unknown_address_is_one_sentence(service, command):
    group, name, *rest = command
    result = service.run(group, name, "nobody@example.test", *rest, exits=1)

    assert (result.stdout, result.stderr) == ("", "Error: no user nobody@example.test\n")


def enrol(service: Service, session: SessionRow) -> None:
    snapshot, changes = service.engine.sessions.look_up(session.id), service.engine.factor_changes
    secret = changes.begin_totp(snapshot, name=None).secret
    code = pyotp.TOTP(secret).at(service.clock.now())
    changes.confirm_totp(snapshot, secret, code, Client(ip_address="192.0.2.7", user_agent="Firefox"))
    service.sender.messages.clear()


def test_a_second_factor_is_reset_once_and_a_mail_tells_of_it(ada):
    session = ada.log_in()
    enrol(ada, session)

    result = ada.run("users", "reset-mfa", EMAIL)

    assert result.stdout == f"Reset the second factor of {EMAIL}; every session has ended.\n"
    assert ada.engine.sessions.look_up(session.id).session.revoked_reason == EndReason.MFA_CHANGED
    status = ada.engine.second_factors.status(ada.person().id)
    assert (status.is_enabled, status.devices) == (False, [])
    _, event = ada.events(EventKind.MFA_CHANGED)
    assert (event.actor, event.details) == ("administrator", {"change": "reset"})
    assert [message.recipient for message in ada.sender.messages] == [EMAIL]
    refused = ada.run("users", "reset-mfa", EMAIL, exits=1)
    assert refused.stderr == "Error: This second factor is not enabled.\n"
