"""Where one is signed in, and which devices are trusted."""

from uuid import UUID

from flask import Blueprint, Response

from app.pages.page import Page
from app.pages.visiting import PageVisit

sessions = Blueprint("sessions", __name__)


@sessions.get("/sessions")
@Page()
def overview(visit: PageVisit) -> Response:
    """List the live sessions, this one at the top."""
    session, person, _ = visit.signed_in
    rows = visit.engine.sessions.list_live(person.id)
    ordered = sorted(rows, key=lambda row: row.id != session.id)
    return visit.show("sessions.html", sessions=ordered, current=session.id)


@sessions.post("/sessions/<uuid:session_id>/end")
@Page(shown_by=overview)
def end(visit: PageVisit, session_id: UUID) -> Response:
    """End one session; somebody else's is as one that does not exist.

    Another than this one asks for a recent proof (ASVS 7.5.2), so that a stolen session pushes nobody out.
    """
    session, person, _ = visit.signed_in
    if session_id != session.id:
        visit.engine.factor_changes.demand_recent_proof(visit.signed_in)
    visit.engine.sessions.end_own(person.id, session_id, visit.client)
    if session_id == session.id:
        visit.sign_out()
        return visit.go_to("signing_in.sign_in", done="signed-out")
    return visit.go_to("sessions.overview", done="session-ended")


@sessions.post("/sessions/end-others")
@Page(shown_by=overview)
def end_others(visit: PageVisit) -> Response:
    """End all sessions of the person but this one; see `end`."""
    session, person, _ = visit.signed_in
    visit.engine.factor_changes.demand_recent_proof(visit.signed_in)
    visit.engine.sessions.end_others(person.id, session.id, visit.client)
    return visit.go_to("sessions.overview", done="others-ended")


@sessions.get("/trusted-devices")
@Page()
def trusted_devices(visit: PageVisit) -> Response:
    """List the devices that skip the second factor."""
    devices = visit.engine.trusted_devices.list_live(visit.signed_in.person.id)
    return visit.show("trusted_devices.html", devices=devices)


@sessions.post("/trusted-devices/<uuid:device_id>/forget")
@Page(shown_by=trusted_devices)
def forget(visit: PageVisit, device_id: UUID) -> Response:
    """Stop trusting a device."""
    visit.engine.trusted_devices.revoke(visit.signed_in.person.id, device_id, visit.client)
    return visit.go_to("sessions.trusted_devices", done="device-forgotten")


@sessions.post("/trusted-devices/forget-all")
@Page(shown_by=trusted_devices)
def forget_all(visit: PageVisit) -> Response:
    """Trust no device any more."""
    visit.engine.trusted_devices.revoke_all(visit.signed_in.person.id, visit.client)
    return visit.go_to("sessions.trusted_devices", done="devices-forgotten")
