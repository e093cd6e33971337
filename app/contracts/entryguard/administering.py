"""Who may decide for an organization."""

from app.engine.errors import PermissionDenied
from app.engine.snapshot import OrganizationRow
from app.http.call import Call


def administered(call: Call) -> OrganizationRow:
    """Return the organization of the session, whose administrator the caller must be.

    Raises:
        PermissionDenied: the caller is not.
    """
    organization = call.judged_snapshot.organization
    if organization is None or not organization.is_admin:
        raise PermissionDenied
    return organization
