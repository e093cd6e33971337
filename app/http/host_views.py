"""`@jwt_required()` on a host application's own views: the same sessions, without a word of ours in them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import request

from app.engine.client import Transport
from app.engine.errors import AuthError, Unavailable
from app.http.access_tokens import says_what_is_due
from app.http.client_info import read_client
from app.http.runtime import Mount, Runtime
from config import AccessTokenCheck


def honour_sessions(runtime: Runtime) -> None:
    """Let Flask-JWT-Extended refuse tokens whose session is over, or whose person has something to do first.

    The library calls this a blocklist; no list is kept, the session row says it all.
    """

    @runtime.access_tokens.manager.token_in_blocklist_loader
    def is_over(_header: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
        mount = _mount_of(runtime, claims)
        return mount is None or not _is_live(runtime, mount, claims)


def _mount_of(runtime: Runtime, claims: Mapping[str, Any]) -> Mount | None:
    said = (claims.get("iss"), claims.get("aud"))
    return next((mount for mount in runtime.mounts.values() if tuple(mount.audience) == said), None)


def _is_live(runtime: Runtime, mount: Mount, claims: Mapping[str, Any]) -> bool:
    """Read the session as our own guard does; a database that does not answer is no reason to refuse."""
    check = mount.settings.tokens.access_token_check
    if check is AccessTokenCheck.SIGNATURE and not says_what_is_due(claims):
        return True
    client = read_client(request, Transport.HEADER)
    try:
        snapshot = runtime.engine.sessions.authenticate(
            UUID(claims["sid"]), claims["gen"], mount.policy, client
        )
    except Unavailable:
        raise
    except AuthError:
        return False
    return not (snapshot.session.mfa_pending or snapshot.person.must_change_password)
