"""What the forms of the pages send."""

from typing import Any

from marshmallow import fields

from app.http.schemas import RequestSchema, Text, TokenText

_PASSWORD_LENGTH = 1024  # The policy decides what is too long; this bounds the work of looking at it.


class Ticked(fields.Boolean):
    """A box of a form: there when it is ticked."""

    def __init__(self, **options: Any) -> None:
        super().__init__(load_default=False, truthy={"on", "1"}, falsy={"0"}, **options)


def _password() -> Text:
    return Text(max_length=_PASSWORD_LENGTH, required=True)


class SignInForm(RequestSchema):
    """Who one is, and whether to stay signed in when the browser closes."""

    email = Text(required=True)
    password = _password()
    remember = Ticked()


class SignUpForm(RequestSchema):
    """A new account."""

    name = Text(load_default=None)
    email = Text(required=True)
    password = _password()


class CodeForm(RequestSchema):
    """A code that is typed."""

    code = Text(max_length=64, required=True)


class SecondFactorForm(CodeForm):
    """A code of one of the person's factors, or a recovery code."""

    method = Text(max_length=16, required=True)
    trust = Ticked()


class MethodForm(RequestSchema):
    """By which factor."""

    method = Text(max_length=16, required=True)


class EmailForm(RequestSchema):
    """An address."""

    email = Text(required=True)


class ResetForm(EmailForm):
    """The code that was sent, or the token that it was exchanged for, and the new password."""

    code = Text(max_length=64, load_default=None)
    token = TokenText(load_default=None)
    new_password = _password()


class InvitationForm(RequestSchema):
    """The token of the link, and the first password or the one there is."""

    token = TokenText(required=True)
    password = _password()


class PasswordForm(RequestSchema):
    """The current password and the one to take its place."""

    current_password = _password()
    new_password = _password()


class NameForm(RequestSchema):
    """What one is called."""

    name = Text(load_default=None)


class AppForm(CodeForm):
    """The secret of an authenticator app and a code that it shows."""

    secret = Text(required=True)


class DeviceForm(RequestSchema):
    """What to call an authenticator app."""

    name = Text(max_length=64, load_default=None)


class ConfirmForm(RequestSchema):
    """The password, or a code of a second factor."""

    method = Text(max_length=16, load_default=None)
    secret = _password()
