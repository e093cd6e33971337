"""Messages are written once and sent as text, as HTML and by SMS."""

from datetime import timedelta

import pytest
from jinja2 import UndefinedError

from app.delivery import Channel, DirectOutbox, MemorySender, Message, SwitchedPostbox, compose


def test_mail_has_a_subject_its_text_and_the_same_words_as_html():
    message = compose("code", "ada@example.test", purpose="passwordless", code="123456", minutes=10)
    assert message.subject == "Your login code"
    assert message.text.startswith("Hello,\n")
    assert "\n\n123456\n\n" in message.text
    assert message.html is not None
    assert ">123456</p>" in message.html
    assert "10 minutes" in message.html


def test_link_is_escaped_in_html_and_whole_in_text():
    link = "https://keyturn.example/reset-password?token=a&b=<"
    message = compose("password_reset", "ada@example.test", link=link, minutes=60)
    assert f"\n{link}\n" in message.text
    assert 'href="https://keyturn.example/reset-password?token=a&amp;b=&lt;"' in (message.html or "")


def test_sms_is_short_and_has_no_html():
    message = compose("code", "+15550100", Channel.SMS, purpose="passwordless", code="123456", minutes=10)
    assert message.html is None
    assert message.text.startswith("123456 ")
    assert len(message.text) <= 160


def test_template_without_its_values_is_no_message():
    with pytest.raises(UndefinedError):
        compose("password_reset", "ada@example.test", minutes=60)


def test_each_message_takes_the_way_of_its_channel():
    mail, sms = MemorySender(), MemorySender()
    postbox = SwitchedPostbox({Channel.MAIL: DirectOutbox(mail), Channel.SMS: DirectOutbox(sms)})
    letter = Message(recipient="ada@example.test", subject="s", text="t")
    text = Message(recipient="+15550100", subject="", text="t", channel=Channel.SMS)
    postbox.post(letter)
    postbox.post(text)
    assert (mail.messages, sms.messages) == ([letter], [text])
    assert postbox.drain(timedelta(seconds=1))
