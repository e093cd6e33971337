"""Server-rendered pages: all that a person does with an account, without a line of JavaScript.

A host application restyles them with a `keyturn/base.html` in a template folder of its own.
"""

from flask import Blueprint, Response, abort

from app.http.errors import handle_http_errors
from app.pages.account import account
from app.pages.confirming import confirming
from app.pages.organizations import organizations
from app.pages.recovering import recovering
from app.pages.refusals import show_failure, show_http_error
from app.pages.second_factors import second_factors
from app.pages.sessions import sessions
from app.pages.signing_in import signing_in

pages = Blueprint("pages", __name__, template_folder="templates", static_folder="static")
for part in (account, confirming, organizations, recovering, second_factors, sessions, signing_in):
    pages.register_blueprint(part)
handle_http_errors(pages, show_http_error)
pages.register_error_handler(Exception, show_failure)


@pages.get("/<path:_missing>")
def missing(_missing: str) -> Response:
    """Show below our own prefix that a page of ours is not there."""
    abort(404)
