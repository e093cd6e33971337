"""Proving again who one is, before something is changed that matters."""

from typing import Any

from flask import Blueprint, Response, request

from app.pages import forms
from app.pages.page import Page
from app.pages.proving import RECOVERY, factor_method, send_factor_code
from app.pages.visiting import PageVisit

confirming = Blueprint("confirming", __name__)


@confirming.get("/confirm")
@Page()
def confirm(visit: PageVisit) -> Response:
    """Ask for a code of the second factor, or for the password of a person who has none."""
    status = visit.engine.second_factors.status(visit.signed_in.person.id)
    offered: list[str] = []
    if status.guards_changes:
        offered = [*status.methods, *([RECOVERY] if status.can_be_recovered else [])]
    asked = (visit.typed or request.args).get("method", "")
    method = next((choice for choice in offered if choice == asked), offered[0] if offered else None)
    return visit.show("confirm.html", method=method, offered=offered)


@confirming.post("/confirm")
@Page(form=forms.ConfirmForm, limit="login", shown_by=confirm)
def prove(visit: PageVisit, form: dict[str, Any]) -> Response:
    """Give the session a proof of this moment; every earlier token of it is invalid."""
    found, engine = visit.signed_in, visit.engine
    if engine.second_factors.status(found.person.id).guards_changes:
        method = factor_method(form["method"])
        passed = engine.second_factors.verify(
            found, method, form["secret"], visit.policy, visit.client, trusts_device=False
        )
        visit.adopt(passed.grant)
    else:
        grant = engine.reauthentication.prove(found, form["secret"], visit.policy, visit.client)
        visit.adopt(grant)
    return visit.go_on()


@confirming.post("/confirm/code")
@Page(form=forms.MethodForm, limit="login", shown_by=confirm)
def send_code(visit: PageVisit, form: dict[str, Any]) -> Response:
    """Send a code by mail or SMS."""
    send_factor_code(visit, form)
    return visit.go_to("confirming.confirm", done="code-sent", method=form["method"], next=visit.next)
