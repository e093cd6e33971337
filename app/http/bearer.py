"""A client that sends its access token in a header (RFC 6750): known by it alone, and never refreshed."""

from contextlib import suppress
from functools import cached_property

from flask import g
from flask.globals import request_ctx

from app.engine.client import Transport
from app.engine.errors import AccountUnavailable, InvalidAccessToken
from app.engine.snapshot import Snapshot
from app.http.call import Call
from app.http.runtime import runtime
from config import AccessTokenType


class Bearer:
    """The running request, judged by its header. Each call is to a contract whose token that may be."""

    def __init__(self, calls: list[Call]) -> None:
        self._calls = calls

    @property
    def brings_token(self) -> bool:
        """Tell whether the header brings a token, good or not; another scheme than Bearer brings none."""
        return bool(self._calls)

    @cached_property
    def found(self) -> Snapshot | None:
        """The session of the token, whatever is still due in it; None without a good token.

        Raises:
            Unavailable: nothing is known of the session.
        """
        for call in self._calls:
            # Only the contract that issued a token accepts it.
            with suppress(InvalidAccessToken, AccountUnavailable):
                call.authenticate(pending=True, overdue=True)
                return call.judged_snapshot
        return None


def current_bearer() -> Bearer | None:
    """Return the running request where the header alone says who is there, and None where cookies do.

    The header does where it brings an access token and the settings allow that, since a browser never adds
    one by itself; and where no contract is served whose sessions browsers could use.
    """
    if "keyturn_bearer" not in g:
        g.keyturn_bearer = _bearer()
    found: Bearer | None = g.keyturn_bearer
    return found


def _bearer() -> Bearer | None:
    here, request = runtime(), request_ctx.request
    calls = [
        Call(request, here, mount, Transport.HEADER)
        for mount in here.mounts.values()
        if mount.settings.tokens.access_token_type is not AccessTokenType.COOKIE
    ]
    bringing = [call for call in calls if call.access_token() is not None]
    return Bearer(bringing) if bringing or (calls and here.settings.pages is None) else None
