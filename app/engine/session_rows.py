"""The rows that are not made by rotation: of a new session, and of one whose rights were raised."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import uuid4

from app.engine.client import Client
from app.engine.grant import SessionPolicy
from app.engine.proof import Proof
from app.engine.snapshot import SessionRow

# Whoever knows only the password gets this long to show the second factor, refreshed or not.
PENDING_LIFETIME = timedelta(minutes=15)


def new_row(
    proof: Proof, policy: SessionPolicy, client: Client, now: datetime, *, pending: bool = False
) -> SessionRow:
    """Return the row of a login; while its second factor is due, it ends soon."""
    absolute = now + (
        min(PENDING_LIFETIME, policy.absolute_lifetime) if pending else policy.absolute_lifetime
    )
    return SessionRow(
        id=uuid4(),
        user_id=proof.user_id,
        organization_id=proof.organization_id,
        generation=1,
        seen_generation=0,
        floor_generation=1,
        grace_generation=None,
        grace_started_at=None,
        given_up_from=None,
        given_up_to=None,
        salt=secrets.token_bytes(16),
        created_at=now,
        rotated_at=now,
        last_seen_at=now,
        inactivity_expires_at=min(now + policy.inactivity_timeout, absolute),
        absolute_expires_at=absolute,
        revoked_at=None,
        revoked_reason=None,
        auth_methods=list(proof.methods),
        authenticated_at=proof.proven_at,
        mfa_pending=pending,
        ip_address=client.ip_address,
        user_agent=client.user_agent,
        device_name=client.device_name,
        contract=policy.contract,
        client_id=client.client_id,
        transport=client.transport,
    )


def raised(
    session: SessionRow, policy: SessionPolicy, client: Client, now: datetime, methods: Iterable[str]
) -> SessionRow:
    """Return the row of a session in which somebody has just proven to be its person."""
    absolute = session.created_at + policy.absolute_lifetime
    return with_new_rights(session, policy, client, now, absolute)._replace(
        absolute_expires_at=absolute,
        auth_methods=list(methods),
        authenticated_at=now,
        mfa_pending=False,
    )


def with_new_rights(
    session: SessionRow, policy: SessionPolicy, client: Client, now: datetime, absolute: datetime
) -> SessionRow:
    """Return the row of a session whose rights change in this moment.

    The next generation is the first with the new rights: every earlier token is worth nothing.
    """
    generation = session.generation + 1
    return session._replace(
        generation=generation,
        floor_generation=generation,
        grace_generation=None,
        grace_started_at=None,
        rotated_at=now,
        last_seen_at=now,
        inactivity_expires_at=min(now + policy.inactivity_timeout, absolute),
        ip_address=client.ip_address,
        user_agent=client.user_agent,
        transport=client.transport,
    )
