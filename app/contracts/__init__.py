"""The wire contracts. Each module or package here that defines `CONTRACT` is one; nothing else lists them."""

import pkgutil
from functools import cache
from importlib import import_module

from app.http.contract import Contract
from app.http.errors import install_error_handlers
from config import ContractDefaults


def discover() -> dict[str, Contract]:
    """Return every contract by its name."""
    found = (_contract(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    return {contract.name: contract for contract in found if contract is not None}


@cache
def _contract(module: str) -> Contract | None:
    """Import a contract, whose blueprints answer in its own shape whatever goes wrong in them."""
    contract: Contract | None = getattr(import_module(module), "CONTRACT", None)
    if contract is not None:
        for blueprint in filter(None, (contract.blueprint, contract.root_blueprint)):
            install_error_handlers(blueprint)
    return contract


def defaults() -> dict[str, ContractDefaults]:
    """Return what each contract documents, for the settings."""
    return {name: contract.documents() for name, contract in sorted(discover().items())}
