"""What a person is told by mail when something happened to the account, each with what to do next."""

from app.delivery import Message

_SIGNED_OUT = """Hello,

a sign-in to your account was used from two places at once. That happens when somebody has copied it, so we
have ended it on both. You may have to sign in again on one of your devices.

If you did not expect this: change your password, and look through the list of your sessions.
"""

_PASSWORD_CHANGED = """Hello,

the password of your account was changed, and your sessions on other devices were ended.

If this was not you: reset your password now, and tell us.
"""


def reuse_detected(recipient: str) -> Message:
    """Tell that a superseded refresh token came back and the session was ended."""
    return Message(recipient=recipient, subject="We ended one of your sessions", text=_SIGNED_OUT)


def password_changed(recipient: str) -> Message:
    """Tell that the password is another one now."""
    return Message(recipient=recipient, subject="Your password was changed", text=_PASSWORD_CHANGED)
