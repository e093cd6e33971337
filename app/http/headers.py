"""Response headers that every answer carries, and cross-origin access for the configured origins only."""

from flask import Flask, Request, Response, request

from config import WebSettings

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


def install_headers(app: Flask, web: WebSettings) -> None:
    """Add the headers to every answer, errors too; a view may set a more specific value itself."""
    added = list(_SECURITY.items())
    if web.public_url.startswith("https://"):
        added.append(("Strict-Transport-Security", _HSTS))
    origins = frozenset(web.allowed_origins)

    @app.after_request
    def add(response: Response) -> Response:
        present = {name for name, _ in response.headers}
        response.headers.extend([header for header in added if header[0] not in present])
        origin = request.headers.get("Origin")
        if origin in origins:
            _allow(response, origin, request)
        return response


def _allow(response: Response, origin: str, request: Request) -> None:
    """Let a configured origin read the answer (WHATWG Fetch, CORS protocol)."""
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Allow-Credentials"] = "true"
    response.headers["Access-Control-Expose-Headers"] = "Retry-After"
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        response.headers["Access-Control-Allow-Methods"] = _ALLOWED_METHODS
        response.headers["Access-Control-Allow-Headers"] = _ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
