"""One check a file, found by discovery: an estimate in, a `CheckResult` out. May touch: nothing."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def _discover() -> dict[str, ModuleType]:
    found = (importlib.import_module(f"{__name__}.{entry.name}") for entry in pkgutil.iter_modules(__path__))
    return {module.INFO.name: module for module in found if hasattr(module, "INFO")}


CHECKS: dict[str, ModuleType] = _discover()
"""Every check by name."""
