"""Response headers that every answer carries, and cross-origin access for the configured origins only.

They are added to the finished answer: through `Response.headers` each would be checked and copied on every
request, though it is the same constant every time.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, has_request_context, request
from werkzeug.http import parse_set_header

from config import WebSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Origin, Cookie",
}
_HSTS = "max-age=31536000; includeSubDomains"
_ALLOWED_METHODS = "GET, POST, PUT, PATCH, DELETE"
_ALLOWED_HEADERS = (
    "Authorization, Content-Type, X-Access-Token-Type, X-CSRF-Token, X-Device-Name, Version, "
    "X-Device-Trust, nest-auth-device-trust, nest_auth_device_trust"
)
_PREFLIGHT_SECONDS = "600"


def install_headers(app: Flask, web: WebSettings, *, of_blueprints: frozenset[str] | None = None) -> None:
    """Add the headers to every answer, errors too; a view may set a more specific value itself.

    With `of_blueprints` only to the answers of these: the others are a host application's.
    """
    added = list(_SECURITY.items())
    if web.public_url.startswith("https://"):
        added.append(("Strict-Transport-Security", _HSTS))
    origins = frozenset(web.allowed_origins)
    serve = app.wsgi_app

    def serve_with_headers(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Any:
            if of_blueprints is None or _is_of(of_blueprints):
                present = {name for name, _ in headers}
                headers += [header for header in added if header[0] not in present]
                if "Vary" in present:
                    _vary_by_origin(headers)
                if environ.get("HTTP_ORIGIN") in origins:
                    headers += _allowing(environ)
            return start_response(status, headers, *failure)

        return serve(environ, start)

    app.wsgi_app = serve_with_headers  # type: ignore[method-assign]


def _is_of(blueprints: frozenset[str]) -> bool:
    """Tell whether one of them answers. Without a request it is a middleware of the host application."""
    return has_request_context() and not blueprints.isdisjoint(request.blueprints)


def _vary_by_origin(headers: list[tuple[str, str]]) -> None:
    """Name the origin beside what else an answer is said to depend on (WHATWG Fetch, CORS protocol)."""
    named = parse_set_header(", ".join(value for name, value in headers if name == "Vary"))
    named.add("Origin")
    headers[:] = [header for header in headers if header[0] != "Vary"] + [("Vary", named.to_header())]


def _allowing(environ: "WSGIEnvironment") -> list[tuple[str, str]]:
    """Let a configured origin read the answer (WHATWG Fetch, CORS protocol)."""
    headers = [
        ("Access-Control-Allow-Origin", environ["HTTP_ORIGIN"]),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", "Retry-After"),
    ]
    if environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ:
        headers += [
            ("Access-Control-Allow-Methods", _ALLOWED_METHODS),
            ("Access-Control-Allow-Headers", _ALLOWED_HEADERS),
            ("Access-Control-Max-Age", _PREFLIGHT_SECONDS),
        ]
    return headers
