"""Codes and links go to the address that the person has when they are made, or nowhere."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.delivery import Channel, MemorySender
from app.engine.accounts import Registration
from app.engine.client import Client
from app.engine.code_messages import Recipient
from app.engine.engine import Engine
from app.engine.errors import InvalidCode
from app.engine.identifiers import Identifier, IdentifierKind
from app.engine.one_time_codes import LETS_IN, CodePurpose
from app.engine.snapshot import PersonRow
from app.models import OneTimeCode, SecurityEvent, User
from tests.conftest import on_every_database, runtime_of

HERE = Client(ip_address="192.0.2.1", user_agent="Firefox")
OTHERS = {"email": "ada@elsewhere.test", "phone": "+4915199999999"}
COLUMNS = {Channel.MAIL: "email", Channel.SMS: "phone"}


@pytest.fixture
def ada(engine: Engine) -> PersonRow:
    registration = Registration(
        password="correct horse battery", email="ada@example.test", phone="+4915112345678"
    )
    return engine.accounts.register(registration, HERE)


def send(engine: Engine, person: PersonRow, channel: Channel, form: str) -> None:
    """Send what was asked for by somebody who had read the person before."""
    recipient = Recipient(person=person, claimed="", channel=channel)
    if form == "code":
        engine.code_messages.send_code(CodePurpose.PASSWORDLESS, recipient, HERE)
        return
    engine.code_messages.send_link(
        CodePurpose.INVITATION,
        recipient,
        HERE,
        template="invitation",
        path="/accept?token=",
        lifetime=timedelta(days=7),
    )


def codes_of(engine: Engine) -> list[OneTimeCode]:
    return engine.database.transact(lambda transaction: list(transaction.scalars(select(OneTimeCode))))


def sent_events(engine: Engine) -> list[int | None]:
    statement = select(SecurityEvent.user_id).where(SecurityEvent.kind == "account:code:sent")
    return engine.database.transact(lambda transaction: list(transaction.scalars(statement)))


@on_every_database
@pytest.mark.parametrize("form", ["code", "link"])
@pytest.mark.parametrize("channel", COLUMNS)
def test_address_that_changed_since_it_was_read_is_sent_nothing(
    engine: Engine, ada: PersonRow, outbox: MemorySender, channel: Channel, form: str
):
    engine.accounts.change(ada.id, {COLUMNS[channel]: OTHERS[COLUMNS[channel]]})
    outbox.messages.clear()

    send(engine, ada, channel, form)

    assert outbox.messages == []
    assert codes_of(engine) == []
    assert sent_events(engine) == [None]


@pytest.mark.parametrize("form", ["code", "link"])
@pytest.mark.parametrize("channel", COLUMNS)
def test_change_of_the_other_address_holds_nothing_up(
    engine: Engine, ada: PersonRow, outbox: MemorySender, channel: Channel, form: str
):
    [other] = [column for column in OTHERS if column != COLUMNS[channel]]
    engine.accounts.change(ada.id, {other: OTHERS[other]})
    outbox.messages.clear()

    send(engine, ada, channel, form)

    assert [message.recipient for message in outbox.messages] == [getattr(ada, COLUMNS[channel])]
    assert len(codes_of(engine)) == 1
    assert sent_events(engine) == [ada.id]


def test_person_suspended_since_they_were_read_is_sent_nothing(
    engine: Engine, ada: PersonRow, outbox: MemorySender
):
    engine.accounts.suspend(ada.id)

    send(engine, ada, Channel.MAIL, "code")

    assert outbox.messages == []
    assert codes_of(engine) == []


def test_former_mailbox_verifies_no_new_address(
    app: Flask, engine: Engine, ada: PersonRow, outbox: MemorySender
):
    identifier = Identifier.of(IdentifierKind.EMAIL, ada.email or "")
    policy = runtime_of(app).mounts["nest_auth"].policy
    before = engine.log_in(identifier, "correct horse battery", policy, HERE).snapshot
    engine.accounts.change(ada.id, {"email": OTHERS["email"]})
    outbox.messages.clear()

    engine.verification.send(before, Channel.MAIL, HERE)

    assert outbox.messages == []
    after = engine.sessions.look_up(before.session.id)
    with pytest.raises(InvalidCode):
        engine.verification.confirm(after, Channel.MAIL, "000000", HERE)
    assert engine.accounts.get(ada.id).email_verified_at is None


@on_every_database
@pytest.mark.parametrize("purpose", LETS_IN)
def test_code_that_lets_in_goes_to_no_unproven_address_once_another_is_proven(
    engine: Engine, ada: PersonRow, outbox: MemorySender, purpose: CodePurpose
):
    prove_number(engine, ada)

    # Read before the number was proven, and so with none that is.
    for channel in Channel:
        engine.code_messages.send_code(purpose, Recipient(person=ada, claimed="", channel=channel), HERE)

    assert [message.recipient for message in outbox.messages] == [ada.phone]
    assert [code.payload for code in codes_of(engine)] == [{"channel": "sms"}]
    assert sent_events(engine) == [None, ada.id]


@pytest.mark.parametrize("purpose", [purpose for purpose in CodePurpose if purpose not in LETS_IN])
def test_code_that_lets_nobody_in_goes_to_an_unproven_address(
    engine: Engine, ada: PersonRow, outbox: MemorySender, purpose: CodePurpose
):
    prove_number(engine, ada)
    engine.code_messages.send_code(purpose, Recipient(person=ada, claimed=""), HERE)
    assert [message.recipient for message in outbox.messages] == [ada.email]


def prove_number(engine: Engine, person: PersonRow) -> None:
    engine.database.transact(
        lambda transaction: transaction.execute(
            update(User).where(User.id == person.id).values(phone_verified_at=engine.clock.now())
        )
    )
