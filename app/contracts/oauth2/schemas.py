"""What oauth2 reads and writes."""

from marshmallow import Schema, fields

from app.http.schemas import RequestSchema, Text

# The body is bounded anyway; whether a text is a token is for its parser to say, however long it is.
_TOKEN_LENGTH = 1 << 20
_PASSWORD_LENGTH = 1024  # The policy decides what is too long; this bounds the work of looking at it.


class ClientRequest(RequestSchema):
    """Which application calls; a confidential one proves it here or in the Authorization header."""

    client_id = Text(load_default=None)
    client_secret = Text(load_default=None)


class TokenRequest(ClientRequest):
    """A grant: a refresh token, or in applications of the house the person's own password."""

    grant_type = Text(required=True, metadata={"description": "`refresh_token` or `password`."})
    refresh_token = Text(
        max_length=_TOKEN_LENGTH,
        load_default=None,
        metadata={"description": "For `refresh_token`. In cookie mode the token is in its cookie instead."},
    )
    username = Text(
        load_default=None, metadata={"description": "For `password`: the e-mail address or the user name."}
    )
    password = Text(
        max_length=_PASSWORD_LENGTH, load_default=None, metadata={"description": "For `password`."}
    )
    scope = Text(max_length=_TOKEN_LENGTH, load_default=None, metadata={"description": "None is granted."})


class RevocationRequest(ClientRequest):
    """A refresh or access token whose session shall end; what kind it is, is found out without a hint."""

    token = Text(
        max_length=_TOKEN_LENGTH,
        load_default=None,
        metadata={"description": "Required, unless its cookie comes along in cookie mode."},
    )


class IntrospectionRequest(ClientRequest):
    """A refresh or access token to be looked at; what kind it is, is found out without a hint."""

    token = Text(max_length=_TOKEN_LENGTH, required=True)


class TokenAnswer(Schema):
    """Tokens in header mode; in cookie mode the same without the two tokens (RFC 6749 section 5.1)."""

    access_token = fields.String(metadata={"description": "Header mode only. A JWT."})
    refresh_token = fields.String(
        metadata={"description": "Header mode only. Opaque, replaced by each refresh."}
    )
    token_type = fields.String(required=True, metadata={"description": "`Bearer`."})
    expires_in = fields.Integer(
        required=True, metadata={"description": "Life of the access token in seconds."}
    )


class RevocationAnswer(Schema):
    """Nothing: the session is over, or there was none."""


class IntrospectionAnswer(Schema):
    """What a live token stands for; of any other only that it is not active (RFC 7662 section 2.2)."""

    active = fields.Boolean(required=True)
    token_type = fields.String(metadata={"description": "`Bearer` or `refresh_token`."})
    client_id = fields.String()
    sub = fields.UUID()
    username = fields.String()
    sid = fields.UUID()
    iss = fields.String()
    aud = fields.String(metadata={"description": "Of access tokens."})
    jti = fields.String(metadata={"description": "Of access tokens."})
    iat = fields.Integer()
    exp = fields.Integer()


class MetadataAnswer(Schema):
    """Where the endpoints are and what they take (RFC 8414 section 2)."""

    issuer = fields.URL(required=True)
    token_endpoint = fields.URL(required=True)
    token_endpoint_auth_methods_supported = fields.List(fields.String(), required=True)
    revocation_endpoint = fields.URL(required=True)
    revocation_endpoint_auth_methods_supported = fields.List(fields.String(), required=True)
    introspection_endpoint = fields.URL(required=True)
    introspection_endpoint_auth_methods_supported = fields.List(fields.String(), required=True)
    grant_types_supported = fields.List(fields.String(), required=True)
    response_types_supported = fields.List(
        fields.String(), required=True, metadata={"description": "Empty: there is no authorization endpoint."}
    )


class ErrorAnswer(Schema):
    """The error body of RFC 6749 section 5.2."""

    error = fields.String(required=True)
    error_description = fields.String(required=True)
