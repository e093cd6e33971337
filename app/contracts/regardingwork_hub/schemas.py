"""What regardingwork_hub reads and writes."""

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields, pre_load, validate, validates_schema

from app.http.schemas import RequestSchema, Text, TokenText

_USERNAME = re.compile(r"[A-Za-z0-9_-]{3,64}")
_PASSWORD_LENGTHS = (8, 128)
_LONGEST_LOOKED_AT = 1024


def _check_username(value: str) -> None:
    if not _USERNAME.fullmatch(value):
        raise ValidationError("must be 3 to 64 letters, digits, underscores or hyphens")


def _check_password(value: str) -> None:
    least, most = _PASSWORD_LENGTHS
    has_both = any(map(str.isalpha, value)) and any(map(str.isdigit, value))
    if not has_both or not least <= len(value) <= most:
        raise ValidationError(f"must be {least} to {most} characters with at least one letter and one digit")


class RegisterRequest(RequestSchema):
    """A new account."""

    username = Text(required=True, validate=_check_username)
    email = Text(required=True)
    password = Text(required=True, validate=_check_password)


class LoginRequest(RequestSchema):
    """The login name, which is never an address, and the password; both are required."""

    username = Text(load_default=None)
    password = Text(load_default=None, max_length=_LONGEST_LOOKED_AT)

    @pre_load
    def refuse_nothing(self, body: dict[str, Any], **_context: Any) -> dict[str, Any]:
        """Tell an empty body from one in which a field is missing."""
        if not body:
            raise ValidationError("No data provided")
        return body

    @validates_schema
    def refuse_half(self, body: dict[str, Any], **_context: Any) -> None:
        """Use the documented sentence for whatever is missing."""
        if not body["username"] or not body["password"]:
            raise ValidationError("Username/email and password are required")


class RefreshRequest(RequestSchema):
    """A refresh token; required, unless its cookie comes along."""

    refresh_token = TokenText(load_default=None)


class UserAnswer(Schema):
    """The person, as register and refresh show it."""

    id = fields.Integer(required=True)
    username = fields.String(required=True, allow_none=True)
    bio = fields.String(required=True, allow_none=True)
    website_url = fields.String(required=True, allow_none=True)
    profile_photo_url = fields.String(required=True, allow_none=True)
    created_at = fields.String(
        required=True, metadata={"description": "UTC, with microseconds, without a zone."}
    )
    updated_at = fields.String(required=True, metadata={"description": "As `created_at`."})
    is_active = fields.Boolean(required=True)
    role = fields.String(required=True, validate=validate.OneOf(["USER", "ADMIN", "SUPERADMIN"]))
    premium_tier = fields.String(required=True)


class FullUserAnswer(UserAnswer):
    """The person, as login, validate and me show it."""

    email = fields.String(required=True, allow_none=True)
    email_verified = fields.Boolean(required=True)
    is_premium = fields.Boolean(required=True)


class RefreshAnswer(Schema):
    """Tokens in header mode; in cookie mode the same without the two tokens."""

    message = fields.String(required=True)
    access_token = fields.String(metadata={"description": "Header mode only. A JWT."})
    refresh_token = fields.String(
        metadata={"description": "Header mode only. A JWT, replaced by each refresh."}
    )
    user = fields.Nested(UserAnswer, required=True)


class LoginAnswer(RefreshAnswer):
    """The same with more of the person."""

    user = fields.Nested(FullUserAnswer, required=True)


class MessageAnswer(Schema):
    """A sentence."""

    message = fields.String(required=True)


class ValidateAnswer(Schema):
    """That the token is good, whose it is, and until when; some of it twice, for older readers."""

    valid = fields.Boolean(required=True, validate=validate.Equal(comparable=True))
    user = fields.Nested(FullUserAnswer, required=True)
    token_type = fields.String(required=True, validate=validate.Equal("access"))
    expires_at = fields.Integer(required=True, metadata={"description": "Unix time in seconds."})
    id = fields.Integer(required=True)
    username = fields.String(required=True, allow_none=True)
    email = fields.String(required=True, allow_none=True)


class MeAnswer(Schema):
    """The person whose session it is."""

    user = fields.Nested(FullUserAnswer, required=True)


class ErrorAnswer(Schema):
    """The error body of every endpoint."""

    error = fields.String(required=True)
    valid = fields.Boolean(
        validate=validate.Equal(comparable=False), metadata={"description": "At validate, with status 401."}
    )
