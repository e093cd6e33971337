"""The seam between the engine and a wire contract.

A contract says what it calls things and how long they live; everything else is shared. Adding one is adding a
file that builds one of these.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from flask import Blueprint
from marshmallow import Schema

from app.engine.errors import AuthError
from app.engine.grant import Grant, SessionPolicy
from app.engine.refresh_tokens import RefreshTokenForm
from app.engine.rotation import Windows
from app.primitives.keyring import Keyring
from config import ContractDefaults, Offer, TokenSettings


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """How a contract answers one of the engine's codes; None keeps the shared code or message.

    A message of an error table may show what the error carries, as in `{error.user_id}`. `field` is the one
    of the request that the refusal is about, for contracts that list problems by field. `challenge` is the
    `WWW-Authenticate` of a 401 that asks for something else than a bearer token.
    """

    status: int
    code: str | None = None
    message: str | None = None
    field: str | None = None
    challenge: str | None = None


class WireRefusal(AuthError):
    """A refusal that only one contract knows; it brings its own answer."""

    code = "wire_refusal"
    message = "The request is not valid."

    def __init__(self, answer: ErrorAnswer) -> None:
        super().__init__(answer.message or "")
        self.answer = answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refusal on its way into a contract's error body."""

    status: int
    code: str | None
    message: str
    path: str
    at: datetime
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CookieNames:
    """What a contract calls its cookies; `trust` is that of a trusted device, where it has one."""

    access: str
    refresh: str
    remember: str
    csrf: str
    trust: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One wire contract.

    `opens_pending`: a login whose second factor is due opens a session that can do nothing but finish it.
    `wants_password_first`: a login whose password is due opens no session before another one is chosen.
    `refuses_due_password`: it is refused, and so is a refresh, since another one is chosen elsewhere.
    `challenges_second_factor`: it opens none, but is told what was proven so far and asks for the rest.
    `access_dies_at_refresh`: only the access token of the newest generation is good. `refresh_needs_access`:
    the access token must come along at refresh, expired or not, so its cookie lives as long as the refresh
    token's. `bare_access_tokens`: the Authorization header may hold the token without a scheme.
    `exact_bearer`: its scheme is `Bearer` and not `bearer`. `any_case_paths`: paths match in any case.
    `root_blueprint`: routes that a standard puts outside every prefix.
    """

    name: str
    title: str
    blueprint: Blueprint
    defaults: ContractDefaults
    cookies: CookieNames
    refresh_form: Callable[[Keyring], RefreshTokenForm]
    access_claims: Callable[[Grant], dict[str, Any]]
    errors: Mapping[type[AuthError], ErrorAnswer]
    error_body: Callable[[Refusal], dict[str, Any]]
    error_schema: type[Schema]
    max_sessions_per_person: int = 100
    access_dies_at_refresh: bool = False
    opens_pending: bool = False
    challenges_second_factor: bool = False
    wants_password_first: bool = False
    refuses_due_password: bool = False
    refresh_needs_access: bool = False
    bare_access_tokens: bool = False
    exact_bearer: bool = False
    any_case_paths: bool = False
    issuer: str | None = None
    audience: str | None = None
    root_blueprint: Blueprint | None = None

    def documents(self) -> ContractDefaults:
        """Return what the settings have to know about this contract."""
        asks = self.opens_pending or self.challenges_second_factor
        return replace(
            self.defaults,
            offers=self.defaults.offers | ({Offer.SECOND_FACTORS} if asks else set()),
            access_dies_at_refresh=self.access_dies_at_refresh,
        )

    def policy(self, tokens: TokenSettings, keyring: Keyring) -> SessionPolicy:
        """Return the rules for sessions of this contract under these settings."""
        return SessionPolicy(
            contract=self.name,
            form=self.refresh_form(keyring),
            access_lifetime=tokens.access_lifetime,
            inactivity_timeout=tokens.inactivity_timeout,
            absolute_lifetime=tokens.absolute_lifetime,
            windows=Windows(grace=tokens.grace, recovery=tokens.recovery),
            max_sessions_per_person=self.max_sessions_per_person,
            access_dies_at_refresh=self.access_dies_at_refresh,
            opens_pending=self.opens_pending,
            challenges_second_factor=self.challenges_second_factor,
            wants_password_first=self.wants_password_first,
            refuses_due_password=self.refuses_due_password,
        )
