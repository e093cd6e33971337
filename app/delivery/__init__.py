"""How a message leaves: senders for mail and SMS, and the outbox in front of them."""

from app.delivery.gateway import HttpGatewaySender
from app.delivery.local import ConsoleSender, FileSender, MemorySender
from app.delivery.message import Channel, DeliveryFailed, Message, Sender
from app.delivery.outbox import DirectOutbox, Outbox, Postbox
from app.delivery.smtp import SmtpSender, TlsMode
from app.delivery.switch import SwitchedPostbox
from app.delivery.templates import compose
from app.delivery.urls import mail_sender, sms_sender

__all__ = [
    "Channel",
    "ConsoleSender",
    "DeliveryFailed",
    "DirectOutbox",
    "FileSender",
    "HttpGatewaySender",
    "MemorySender",
    "Message",
    "Outbox",
    "Postbox",
    "Sender",
    "SmtpSender",
    "SwitchedPostbox",
    "TlsMode",
    "compose",
    "mail_sender",
    "sms_sender",
]
