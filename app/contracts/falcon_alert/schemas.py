"""What falcon_alert reads and writes. Unknown fields are refused everywhere but at refresh."""

from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from app.contracts.falcon_alert.roles import MOBILE, WEB, Role
from app.engine.errors import InvalidRequest
from app.engine.identifiers import new_email
from app.http.schemas import RequestSchema, Text

_SHORTEST_PASSWORD = 8
_LONGEST_LOOKED_AT = 1024
_SHORT = f"must be longer than or equal to {_SHORTEST_PASSWORD} characters"


class StrictRequest(RequestSchema):
    """A request body of which every field is known."""

    error_messages = {"unknown": "property $field should not exist"}  # noqa: RUF012 - the library's declaration

    class Meta:
        """Whatever is not listed is refused by name."""

        unknown = RAISE


class FilledText(Text):
    """Text that says something."""

    default_error_messages = {"required": "should not be empty"}  # noqa: RUF012 - the library's declaration

    def __init__(self, *, max_length: int = 255, **options: Any) -> None:
        checks = [
            validate.Length(min=1, error="should not be empty"),
            validate.Length(
                max=max_length, error=f"must be shorter than or equal to {max_length} characters"
            ),
        ]
        super().__init__(validate=checks, **options)


class EmailText(Text):
    """A mail address."""

    default_error_messages = dict.fromkeys(("required", "null", "invalid"), "must be an email")

    def _deserialize(self, value: Any, *context: Any, **options: Any) -> str:
        typed: str = super()._deserialize(value, *context, **options)
        try:
            return new_email(typed)
        except InvalidRequest as error:
            raise self.make_error("invalid") from error


class NewPasswordText(Text):
    """A password that is to be; whether it is also too long or one's own name, the policy says."""

    default_error_messages = {"required": _SHORT}  # noqa: RUF012 - the library's declaration

    def __init__(self, **options: Any) -> None:
        super().__init__(
            validate=[
                validate.Length(min=_SHORTEST_PASSWORD, error=_SHORT),
                validate.Length(
                    max=_LONGEST_LOOKED_AT, error=f"must be at most {_LONGEST_LOOKED_AT} characters"
                ),
            ],
            **options,
        )


class AnyToken(fields.String):
    """Whatever is presented as a token; this contract answers nothing but 401 to what is none."""

    def _deserialize(self, value: Any, *_context: Any, **_options: Any) -> str:
        return value if isinstance(value, str) else repr(type(value))


class Switch(fields.Integer):
    """A preference: 0 or 1."""

    default_error_messages = dict.fromkeys(("null", "invalid"), "must be one of the following values: 0, 1")

    def _deserialize(self, value: Any, *_context: Any, **_options: Any) -> int:
        if type(value) is not int or value not in {0, 1}:
            raise self.make_error("invalid")
        return value


def _one_of(choices: tuple[str, ...]) -> validate.OneOf:
    return validate.OneOf(choices, error=f"must be one of the following values: {', '.join(choices)}")


class LoginRequest(StrictRequest):
    """Who logs in, and with which kind of client."""

    email = EmailText(required=True)
    password = Text(required=True, max_length=_LONGEST_LOOKED_AT)
    type = Text(required=True, validate=_one_of((WEB, MOBILE)))


class RefreshRequest(RequestSchema):
    """A refresh token; required, unless its cookie comes along. Other fields are ignored."""

    refresh_token = AnyToken(data_key="refreshToken", load_default=None)


class RegisterRequest(StrictRequest):
    """A new account; the role is a number in a string."""

    email = EmailText(required=True)
    name = FilledText(required=True)
    password = NewPasswordText(required=True)
    role_id = Text(
        load_default=str(Role.USER.value), validate=_one_of(tuple(str(role.value) for role in Role))
    )


class UpdateRequest(StrictRequest):
    """What a person may change; at least one of them."""

    email = EmailText()
    name = FilledText()
    username = FilledText(max_length=64)
    image_path = FilledText()


class PasswordRequest(StrictRequest):
    """The current password and the one to take its place."""

    old_password = FilledText(data_key="oldPassword", required=True, max_length=_LONGEST_LOOKED_AT)
    new_password = NewPasswordText(data_key="newPassword", required=True)


class PreferencesRequest(StrictRequest):
    """The preferences to change; at least one of them."""

    is_reactions_enabled = Switch()
    is_review_enabled = Switch()
    is_reports_enabled = Switch()
    is_anonymous_preferred = Switch()


class TokenAnswer(Schema):
    """Both tokens in header mode; nothing in cookie mode."""

    accessToken = fields.String(metadata={"description": "Header mode only. A JWT."})
    refreshToken = fields.String(
        metadata={"description": "Header mode only. A JWT, replaced by each refresh."}
    )


class ProfileFields(Schema):
    """The person as the token names them."""

    id = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    name = fields.String(required=True, allow_none=True)
    role_id = fields.Integer(required=True)


class ProfileAnswer(Schema):
    """The person of the token."""

    profile = fields.Nested(ProfileFields, required=True)


class MessageAnswer(Schema):
    """A sentence."""

    message = fields.String(required=True)


class StatusAnswer(Schema):
    """That it is done."""

    status = fields.Boolean(required=True, validate=validate.Equal(comparable=True))


class PersonFields(Schema):
    """What every shape of a person has."""

    name = fields.String(required=True, allow_none=True)
    email = fields.String(required=True, allow_none=True)
    username = fields.String(required=True, allow_none=True)
    salt = fields.String(required=True, metadata={"description": "Always empty."})
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    image_path = fields.String(required=True)
    role_id = fields.Integer(required=True)


class UserAnswer(PersonFields):
    """The person as register shows them."""

    id = fields.Integer(required=True)


class AccountAnswer(PersonFields):
    """The person's own record; here the id is text."""

    id = fields.String(required=True)
    password = fields.String(required=True, metadata={"description": "Always empty."})


class PreferencesAnswer(Schema):
    """A person's preferences, each 0 or 1."""

    id = fields.Integer(required=True)
    user_id = fields.Integer(required=True)
    is_reactions_enabled = fields.Integer(required=True)
    is_review_enabled = fields.Integer(required=True)
    is_reports_enabled = fields.Integer(required=True)
    is_anonymous_preferred = fields.Integer(required=True)


class RegisterAnswer(Schema):
    """The new person and one set of preferences."""

    user = fields.Nested(UserAnswer, required=True)
    settings = fields.List(fields.Nested(PreferencesAnswer), required=True)


class MessageField(fields.Field[str | list[str]]):
    """One sentence, or one for each problem with a body."""


class ErrorAnswer(Schema):
    """The error body of every endpoint."""

    message = MessageField(
        required=True,
        metadata={"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
    )
    error = fields.String(metadata={"description": "The reason phrase; left out with status 500."})
    statusCode = fields.Integer(required=True)
