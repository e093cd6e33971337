"""The organizations that one belongs to, and which of them is the active one."""

from uuid import UUID

from flask import Blueprint, Response

from app.pages.page import Page
from app.pages.visiting import PageVisit

organizations = Blueprint("organizations", __name__)


@organizations.get("/organizations")
@Page()
def overview(visit: PageVisit) -> Response:
    """List them, the active one marked."""
    memberships = visit.engine.organizations.list_of(visit.signed_in.person.id)
    return visit.show("organizations.html", memberships=memberships)


@organizations.post("/organizations/<uuid:organization_id>/use")
@Page(shown_by=overview)
def switch(visit: PageVisit, organization_id: UUID) -> Response:
    """Make another organization the active one; every earlier token of the session is invalid."""
    grant = visit.engine.organizations.switch(visit.signed_in, organization_id, visit.policy, visit.client)
    visit.adopt(grant)
    return visit.go_to("organizations.overview", done="organization-switched")
