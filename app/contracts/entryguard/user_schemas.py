"""What entryguard reads and writes about the people of an organization."""

from marshmallow import Schema, fields, validate

from app.contracts.entryguard.schemas import PASSWORD_LENGTH, LoginAnswer
from app.http.schemas import Flag, RequestSchema, Text, TokenText


class InviteRequest(RequestSchema):
    """Whom to invite."""

    email = Text(required=True)
    name = Text(load_default=None, allow_none=True)
    is_organization_admin = Flag(data_key="isOrgAdmin", load_default=False)


class SetPasswordRequest(RequestSchema):
    """The token of the mail and the first password, or else the one there is."""

    invite_token = TokenText(data_key="inviteToken", required=True)
    password = Text(max_length=PASSWORD_LENGTH, required=True)


class MemberAnswer(Schema):
    """A person of the organization."""

    id = fields.UUID(required=True)
    email = fields.String(required=True, allow_none=True)
    name = fields.String(required=True, allow_none=True)
    isOrgAdmin = fields.Boolean(required=True)
    platformRole = fields.String(required=True, validate=validate.OneOf(["USER", "SUPER_ADMIN"]))
    isActive = fields.Boolean(required=True)
    mfaEnabled = fields.Boolean(required=True)
    lastLoginAt = fields.DateTime(required=True, allow_none=True)
    roleNames = fields.List(fields.String(), required=True)
    createdAt = fields.DateTime(required=True)
    updatedAt = fields.DateTime(required=True)


class AcceptedAnswer(LoginAnswer):
    """Five fields; the others of a login only where something else is due first."""

    mfaRequired = fields.Boolean()
    mfaChallengeToken = fields.String(allow_none=True)
    mfaChallengeExpiresIn = fields.Integer(allow_none=True)
    passwordExpired = fields.Boolean()
    passwordChangeToken = fields.String(allow_none=True)


class MessageAnswer(Schema):
    """What was done."""

    message = fields.String(required=True)
