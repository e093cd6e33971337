"""Puts the chosen contracts on an application."""

from flask import Flask

from app.http.access_tokens import Audience
from app.http.any_case import AnyCasePaths
from app.http.contract import Contract
from app.http.cookies import CookieJar
from app.http.errors import answers_for
from app.http.runtime import Mount
from app.primitives.keyring import Keyring
from config import ConfigurationError, ContractSettings, Problem, Settings


def mount_contracts(
    app: Flask, settings: Settings, contracts: dict[str, Contract], keyring: Keyring
) -> dict[str, Mount]:
    """Register each configured contract's blueprint and return what requests need to know of it."""
    mounts: dict[str, Mount] = {}
    for chosen in settings.contracts:
        contract = contracts[chosen.name]
        app.register_blueprint(contract.blueprint, url_prefix=chosen.prefix.rstrip("/") or None)
        if contract.root_blueprint is not None:
            # As if nested in the contract's own blueprint, so that its endpoints are the contract's.
            app.register_blueprint(contract.root_blueprint, name_prefix=contract.name)
        mounts[chosen.name] = _mount(chosen, contract, settings, keyring)
        if contract.any_case_paths:
            app.wsgi_app = AnyCasePaths(app.wsgi_app, _paths(app, contract))  # type: ignore[method-assign]
    return mounts


def _mount(chosen: ContractSettings, contract: Contract, settings: Settings, keyring: Keyring) -> Mount:
    return Mount(
        contract=contract,
        settings=chosen,
        policy=contract.policy(chosen.tokens, keyring),
        cookies=CookieJar(
            contract.cookies, settings.cookies, keeps_expired_access=contract.refresh_needs_access
        ),
        audience=Audience(
            contract.issuer or settings.web.public_url, contract.audience or f"keyturn:{contract.name}"
        ),
        errors=answers_for(contract.errors),
    )


def _paths(app: Flask, contract: Contract) -> list[str]:
    rules = app.url_map.iter_rules()
    return [rule.rule for rule in rules if rule.endpoint.startswith(f"{contract.name}.")]


def refuse_collisions(app: Flask) -> None:
    """Stop where two endpoints are behind one method and path: one would silently be unreachable.

    Raises:
        ConfigurationError: with every path that is claimed twice.
    """
    owners: dict[tuple[str, str], str] = {}
    problems = []
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            # Where one contract matches paths in any case, another's spelling is no other path.
            owner = owners.setdefault((method, rule.rule.lower()), rule.endpoint)
            if owner != rule.endpoint:
                text = f"{owner} and {rule.endpoint} both answer {method} {rule.rule}; mount one elsewhere"
                problems.append(Problem(name="KEYTURN_CONTRACTS", message=text))
    if problems:
        raise ConfigurationError(tuple(problems))
