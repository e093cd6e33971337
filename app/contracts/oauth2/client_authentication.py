"""Which registered application calls (RFC 6749 sections 2.3 and 3.2.1)."""

from typing import Any

from app.engine.errors import InvalidClient, InvalidRequest
from app.http.call import Call


def authenticate_client(call: Call, body: dict[str, Any], *, confidential_only: bool = False) -> None:
    """Make sure of the application, by HTTP Basic or by the body; the call then acts for it.

    Beside HTTP Basic the body may still name the same client, which proves nothing and so is no second way.

    Raises:
        InvalidRequest: both ways at once, or two clients.
        InvalidClient: see `OAuthClients.authenticate`.
    """
    client_id, secret = body["client_id"], body["client_secret"]
    basic = call.basic_credentials()
    if basic is not None:
        if secret is not None or client_id not in {None, basic[0]}:
            raise InvalidRequest("the client must be named once, in the Authorization header or in the body")
        # A public client that is made to use HTTP Basic leaves the secret empty.
        client_id, secret = basic[0], basic[1] or None
    if client_id is None:
        raise InvalidClient("no client_id came")
    call.engine.oauth_clients.authenticate(client_id, secret, confidential_only=confidential_only)
    call.act_for(client_id)
