"""What a person is told by mail when something happened to the account, each with what to do next."""

from datetime import datetime

from app.delivery import Message, compose
from app.engine.client import Client


def reuse_detected(recipient: str) -> Message:
    """Tell that a superseded refresh token came back and the session was ended."""
    return compose("reuse_detected", recipient)


def password_changed(recipient: str) -> Message:
    """Tell that the password is another one now."""
    return compose("password_changed", recipient)


def new_device(recipient: str, client: Client, now: datetime) -> Message:
    """Tell of a login from a device that was not seen before."""
    return compose(
        "new_device",
        recipient,
        device=client.device_name or client.user_agent or "an unknown program",
        address=client.ip_address,
        moment=f"{now:%Y-%m-%d %H:%M} UTC",
    )


def second_factors_changed(recipient: str, change: str) -> Message:
    """Tell what was changed about the second factors."""
    return compose("second_factors_changed", recipient, change=change)


def recovery_code_used(recipient: str, left: int) -> Message:
    """Tell that a recovery code was spent, and how many are left."""
    return compose("recovery_code_used", recipient, left=left)
