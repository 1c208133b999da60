"""One section of the report a file, found by discovery: `ORDER` and `section(material)`. May touch: nothing.

A section gives None where the study has nothing for it.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def _discover() -> list[ModuleType]:
    found = [importlib.import_module(f"{__name__}.{entry.name}") for entry in pkgutil.iter_modules(__path__)]
    return sorted((module for module in found if hasattr(module, "section")), key=lambda module: int(module.ORDER))


SECTIONS: list[ModuleType] = _discover()
"""Every section, in the order of printing."""
