"""One estimator a file, found by discovery: `Design` in, `Estimate` out. May touch: nothing.

A file of this room that has `INFO`, `Options` and `fit(design, options)` is an estimator; there is no list to add it to.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def _discover() -> dict[str, ModuleType]:
    found = (importlib.import_module(f"{__name__}.{entry.name}") for entry in pkgutil.iter_modules(__path__))
    return {module.INFO.name: module for module in found if hasattr(module, "INFO")}


ESTIMATORS: dict[str, ModuleType] = _discover()
"""Every estimator by name."""
