"""The wire contracts. Each module or package here that defines `CONTRACT` is one; nothing else lists them."""

import pkgutil
from importlib import import_module

from app.http.contract import Contract
from config import ContractDefaults


def discover() -> dict[str, Contract]:
    """Return every contract by its name."""
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    contracts: list[Contract] = [module.CONTRACT for module in modules if hasattr(module, "CONTRACT")]
    return {contract.name: contract for contract in contracts}


def defaults() -> dict[str, ContractDefaults]:
    """Return what each contract documents about prefixes and lifetimes, for the settings."""
    return {name: contract.defaults for name, contract in sorted(discover().items())}
