"""Fields whose complaints read `<field> must be …`, and the base of every request schema."""

from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

_TOKEN_LENGTH = 4096


class RequestSchema(Schema):
    """A request body. Unknown fields are ignored: clients may send more than we read."""

    error_messages = {"type": "must be an object"}  # noqa: RUF012 - the library's declaration

    class Meta:
        """Only listed fields are read, whatever is sent."""

        unknown = EXCLUDE


class Text(fields.String):
    """Text of a bounded length; numbers and booleans are not text."""

    default_error_messages = {  # noqa: RUF012 - the library's declaration
        "required": "is required",
        "null": "must be a string",
        "invalid": "must be a string",
    }

    def __init__(self, *, max_length: int = 255, min_length: int | None = None, **options: Any) -> None:
        if min_length is None:
            error = f"must be at most {max_length} characters"
        else:
            error = f"must be {min_length} to {max_length} characters"
        options.setdefault("validate", validate.Length(min=min_length, max=max_length, error=error))
        super().__init__(**options)


class TokenText(Text):
    """A token as text; whether it is one is for its parser to say."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=_TOKEN_LENGTH, **options)


class Id(fields.UUID):
    """The id of something, in the form of a UUID."""

    default_error_messages = {  # noqa: RUF012 - the library's declaration
        "required": "is required",
        "null": "must be a UUID",
        "invalid_uuid": "must be a UUID",
    }


class Flag(fields.Boolean):
    """True or false and nothing that looks like it."""

    default_error_messages = {  # noqa: RUF012 - the library's declaration
        "required": "is required",
        "null": "must be a boolean",
        "invalid": "must be a boolean",
    }

    def _deserialize(self, value: Any, *_context: Any, **_options: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError(self.error_messages["invalid"])
        return value
