"""How the tokens of an operation come and go, in the words of OpenAPI."""

from typing import Any

from app.engine.errors import AccessTokenMissing, InvalidClient, RefreshTokenMissing
from app.http import csrf
from app.http.operations import Access, Operation
from app.http.runtime import Mount
from config import AccessTokenType, CookieSettings, Settings

TRANSPORTS = {
    AccessTokenType.HEADER: "Tokens travel in JSON bodies and in the `Authorization` header.",
    AccessTokenType.COOKIE: "Tokens travel in httpOnly cookies; bodies are without the token fields.",
    AccessTokenType.CLIENT: (
        "Tokens travel in JSON bodies and in the `Authorization` header, or, where the request says "
        "`X-Access-Token-Type: cookie`, in httpOnly cookies; bodies are then without the token fields."
    ),
}


def may_use_cookies(mount: Mount) -> bool:
    """Tell whether a request to this contract can carry its tokens in cookies."""
    return mount.settings.tokens.access_token_type is not AccessTokenType.HEADER


def may_use_headers(mount: Mount) -> bool:
    """Tell whether a request to this contract can carry its tokens outside cookies."""
    return mount.settings.tokens.access_token_type is not AccessTokenType.COOKIE


def asks_double_submit(method: str, operation: Operation, mount: Mount, settings: Settings) -> bool:
    """Tell whether a request by cookie must bring the double-submitted value."""
    guarded = operation.access is not Access.PUBLIC and method not in csrf.SAFE_METHODS
    return guarded and settings.cookies.csrf_double_submit and may_use_cookies(mount)


def request_headers(
    method: str, operation: Operation, mount: Mount, settings: Settings
) -> list[dict[str, Any]]:
    """Return the headers that an operation reads beside those of its security scheme."""
    found = []
    if mount.settings.tokens.access_token_type is AccessTokenType.CLIENT:
        found.append(_header("X-Access-Token-Type", "How tokens travel.", ["header", "cookie"]))
    if asks_double_submit(method, operation, mount, settings):
        text = f"The value of the cookie `{mount.cookies.names.csrf}`, where the request carries cookies."
        found.append(_header(csrf.HEADER, text))
    if operation.gives_tokens:
        found.append(_header("X-Device-Name", "A name for the device in the list of sessions."))
    return found


def token_cookies(mount: Mount, cookies: CookieSettings) -> dict[str, Any]:
    """Return the Set-Cookie header of an answer that gives tokens."""
    names = mount.cookies.names
    attributes = f"Path=/; SameSite={cookies.same_site}{'; Secure' if cookies.secure else ''}"
    text = f"In cookie mode: `{names.access}` and `{names.refresh}`, with `HttpOnly; {attributes}`."
    if cookies.csrf_double_submit:
        text = f"{text} Beside them `{names.csrf}`, which scripts may read."
    return {"description": text, "schema": {"type": "string"}}


def cleared_cookies(mount: Mount) -> dict[str, Any]:
    """Return the Set-Cookie header of an answer that ends the login of a browser."""
    names = mount.cookies.names
    text = (
        f"In cookie mode: `{names.access}`, `{names.refresh}` and what goes with them are deleted; with a "
        "refusal only where it is for good and of the very refresh token that came in a cookie."
    )
    return {"description": text, "schema": {"type": "string"}}


def takes_refresh_cookie(mount: Mount, operation: Operation) -> bool:
    """Tell whether an operation may find the refresh token that it works on in a cookie."""
    return may_use_cookies(mount) and RefreshTokenMissing in operation.refuses


def security_schemes(mount: Mount) -> dict[str, dict[str, Any]]:
    """Return the ways in which a request can prove itself to this contract."""
    name, names = mount.contract.name, mount.cookies.names
    found: dict[str, dict[str, Any]] = {}
    if may_use_headers(mount):
        found[f"{name}.bearer"] = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    if may_use_cookies(mount):
        found[f"{name}.cookie"] = {"type": "apiKey", "in": "cookie", "name": names.access}
        found[f"{name}.refresh_cookie"] = {"type": "apiKey", "in": "cookie", "name": names.refresh}
    if InvalidClient in mount.contract.errors:
        text = "Id and secret of a registered client (RFC 6749 section 2.3.1), in place of both in the body."
        found[f"{name}.client"] = {"type": "http", "scheme": "basic", "description": text}
    return found


def security(mount: Mount, operation: Operation) -> list[dict[str, list[str]]]:
    """Return the alternatives; an empty one says that the request may come without."""
    callers = _callers(mount, operation)
    if InvalidClient not in operation.refuses:
        return callers
    client: dict[str, list[str]] = {f"{mount.contract.name}.client": []}
    return [{**caller, **way} for caller in callers or [{}] for way in ({}, client)]


def _callers(mount: Mount, operation: Operation) -> list[dict[str, list[str]]]:
    """Return how the person behind the request may be shown."""
    name = mount.contract.name
    schemes = security_schemes(mount)
    if operation.access is not Access.PUBLIC or AccessTokenMissing in operation.refuses:
        guards: list[dict[str, list[str]]] = [
            {scheme: []} for scheme in (f"{name}.bearer", f"{name}.cookie") if scheme in schemes
        ]
        return [{}, *guards] if operation.access is Access.OPTIONAL else guards
    if takes_refresh_cookie(mount, operation):
        return [{}, {f"{name}.refresh_cookie": []}]
    return []


def _header(name: str, description: str, choices: list[str] | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if choices:
        schema |= {"enum": choices, "default": choices[0]}
    return {"name": name, "in": "header", "description": description, "schema": schema}
