"""What nest_auth reads and writes around invitations."""

from marshmallow import fields

from app.contracts.nest_auth.recovery_schemas import AddressRequest
from app.contracts.nest_auth.schemas import PASSWORD_LENGTH, MessageAnswer
from app.http.schemas import RequestSchema, Text, TokenText


class Metadata(RequestSchema):
    """What is read of the metadata; anything else would let whoever invites hand out rights."""

    name = Text(load_default=None, allow_none=True)


class InviteRequest(AddressRequest):
    """Whom to invite, and to which tenant."""

    tenant_id = Text(data_key="tenantId", load_default=None, allow_none=True)
    metadata = fields.Nested(Metadata, load_default=None, allow_none=True)


class AcceptRequest(RequestSchema):
    """The token of the mail and the first password, or else the one there is."""

    token = TokenText(required=True)
    password = Text(max_length=PASSWORD_LENGTH, required=True)


class InvitedAnswer(MessageAnswer):
    """Whom the invitation went to."""

    userId = fields.UUID(required=True)
    isNewUser = fields.Boolean(required=True)
