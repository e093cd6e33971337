"""What one application holds while it serves: the engine and the contracts mounted on it."""

from dataclasses import dataclass

from flask import Flask, Request, current_app

from app.engine.client import Transport
from app.engine.engine import Engine
from app.engine.errors import AuthError
from app.engine.grant import SessionPolicy
from app.http.access_tokens import AccessTokens, Audience
from app.http.contract import Contract, ErrorAnswer
from app.http.cookies import CookieJar
from app.http.csrf import DoubleSubmit, OriginCheck
from app.http.limits import Limits
from config import AccessTokenType, ContractSettings, Settings

_EXTENSION = "keyturn"
_TYPE_HEADER = "X-Access-Token-Type"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One contract, mounted under a prefix with its settings."""

    contract: Contract
    settings: ContractSettings
    policy: SessionPolicy
    cookies: CookieJar
    audience: Audience
    errors: dict[type[AuthError], ErrorAnswer]

    def owns(self, path: str) -> bool:
        """Tell whether a path lies under the contract's prefix."""
        prefix = self.settings.prefix.rstrip("/")
        if self.contract.any_case_paths:
            path, prefix = path.lower(), prefix.lower()
        return path == prefix or path.startswith(prefix + "/")

    def transport(self, request: Request) -> Transport:
        """Return how tokens travel: as configured, or as the request asks where that is left to it."""
        configured = self.settings.tokens.access_token_type
        if configured is AccessTokenType.CLIENT:
            asked = request.headers.get(_TYPE_HEADER, "").strip().lower()
            return Transport.COOKIE if asked == Transport.COOKIE else Transport.HEADER
        return Transport.COOKIE if configured is AccessTokenType.COOKIE else Transport.HEADER


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Everything that requests share."""

    settings: Settings
    engine: Engine
    access_tokens: AccessTokens
    limits: Limits
    origins: OriginCheck
    double_submit: DoubleSubmit
    mounts: dict[str, Mount]

    def page_path(self, path: str) -> str:
        """Return where a page is that a message links to: ours, or without pages the web application's."""
        pages = self.settings.pages
        return f"{pages.prefix}{path}" if pages is not None and pages.prefix is not None else path

    def mount_for(self, path: str) -> Mount | None:
        """Return the contract in whose shape a path is answered, even if it has no such route."""
        owners = [mount for mount in self.mounts.values() if mount.owns(path)]
        return max(owners, key=lambda mount: len(mount.settings.prefix), default=None)


def install(app: Flask, runtime: Runtime) -> None:
    """Make the runtime known to the application."""
    app.extensions[_EXTENSION] = runtime


def runtime() -> Runtime:
    """Return the current application's runtime."""
    found: Runtime = current_app.extensions[_EXTENSION]
    return found
