"""`Page`: what every page declares, and what happens before its view runs."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Response, request, url_for
from marshmallow import Schema

from app.engine.errors import AuthError, InvalidAccessToken, ReauthenticationRequired
from app.http.body import limit_body
from app.http.errors import log_refusal
from app.http.form_body import read_form
from app.http.local_paths import local_path
from app.http.operations import Access, validated
from app.http.signed_in import Due, lead_to, what_is_due
from app.http.visit import begin_visit
from app.pages.visiting import PageVisit

View = Callable[..., Response]
_MAY_BE_DUE: dict[Access, set[Due | None]] = {
    Access.PARTIAL: {None, Due.SECOND_FACTOR},
    Access.SIGNED_IN: {None, Due.PASSWORD},
    Access.FULL: {None},
}


@dataclass(frozen=True, kw_only=True)
class Page:
    """What is known about a page. Decorates its view, which gets the visit, the form and path values.

    The order is fixed: cross-site check, session, form, limit. `shown_by` is the page on which a refused form
    is shown again; without it, or where it cannot be shown either, a refusal has a page of its own.
    """

    access: Access = Access.FULL
    form: type[Schema] | None = None
    limit: str | None = None
    shown_by: View | None = None

    def __call__(self, view: View) -> View:
        """Return the view with everything in front of it that was declared."""
        schema = self.form() if self.form is not None else None

        @wraps(view)
        def serve(**path: Any) -> Response:
            visit = begin_visit(PageVisit)
            limit_body(request, visit.longest_body)
            try:
                due = what_is_due(visit.resume())
                visit.check_stranger()
                if self.access is not Access.PUBLIC and due not in _MAY_BE_DUE[self.access]:
                    return lead_to(visit, due or Due.SIGN_IN)
                return view(visit, *self._form(visit, schema), **path)
            except AuthError as error:
                log_refusal(error)
                visit.refusal, visit.way_back = error, self._way_back(visit)
                return self._refused(visit, error)

        return serve

    def _form(self, visit: PageVisit, schema: Schema | None) -> list[dict[str, Any]]:
        if request.method != "POST":
            return []
        visit.typed = read_form(request)
        visit.fields = frozenset(schema.fields) if schema is not None else frozenset()
        if self.limit is not None:
            visit.check_limit(self.limit)
        return [] if schema is None else [validated(schema, visit.typed)]

    def _way_back(self, visit: PageVisit) -> str:
        """Return where the page is from which a person may try again.

        A form may have been shown at an address that forms are only sent to, so the browser is not asked.
        """
        if request.method != "POST":
            return local_path(visit.address(request.path)) or visit.home
        if self.shown_by is None:
            return visit.home
        return url_for(f"{request.blueprint}.{self.shown_by.__name__}", next=visit.next)

    def _refused(self, visit: PageVisit, error: AuthError) -> Response:
        if isinstance(error, ReauthenticationRequired):
            return visit.go_to("confirming.confirm", next=visit.way_back)
        if isinstance(error, InvalidAccessToken):
            # The session was ended by another request, after this one had found it.
            return lead_to(visit, Due.SIGN_IN)
        if self.shown_by is not None and visit.typed is not None:
            shown: View = self.shown_by.__wrapped__  # type: ignore[attr-defined]
            # What keeps the form from being done may keep its page from being shown: a locked database does.
            with suppress(AuthError):
                return visit.show_refused(shown(visit))
        return visit.show_refused(visit.show("refused.html"))
