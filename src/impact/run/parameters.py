"""The parameters of every notebook, typed: what papermill would let through with a log line is refused here. May touch: nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from impact import settings
from impact.errors import RunError, nearest


class Parameters(BaseModel):
    """What the first cell of every notebook names."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    study: str = ""
    """Path of the study file."""
    data_root: str = "data"
    """Folder that the study's paths are relative to."""
    run_folder: str = ""
    """Folder that stages read from and write to."""
    level: float = Field(default=settings.LEVEL, ge=0.5, le=0.999)
    """Level of confidence intervals and bands."""
    seed: int = Field(default=settings.SEED, ge=0)
    """Seed of everything that draws random numbers."""


FREE = ("level", "seed")
"""Parameters that a user may set for a run; the others follow from the study and the run."""


def with_overrides(base: Parameters, overrides: Mapping[str, str]) -> Parameters:
    """Set parameters from the command line.

    Raises RunError for a name that is not known or not free, and for a value of another type.
    """
    for name in overrides:
        if name not in FREE:
            hint = nearest(name, FREE) or "Choose one of them; everything else belongs in the study file."
            raise RunError(f"parameter `{name}` is not known.\nParameters that can be set: {', '.join(FREE)}.\n{hint}")
    try:
        return Parameters.model_validate({**base.model_dump(), **overrides})
    except ValidationError as error:
        first = error.errors()[0]
        raise RunError(
            f"parameter `{first['loc'][0]}` cannot be used.\nFound `{first['input']}`: {first['msg']}.\n"
            f"{Parameters.model_fields[str(first['loc'][0])].description}"
        ) from None


def require_same_parameters(notebook: str, cell: Mapping[str, Any]) -> None:
    """Refuse a notebook whose parameters cell names something else than the model.

    `cell` holds the names that the notebook's cell tagged `parameters` assigns. Raises RunError.
    """
    known, found = set(Parameters.model_fields), set(cell)
    if known != found:
        extra, missing = sorted(found - known), sorted(known - found)
        raise RunError(
            f"{notebook}: its parameters cell does not name the parameters of a run.\n"
            f"Found too many: {', '.join(extra) or 'none'}; missing: {', '.join(missing) or 'none'}.\n"
            "Mend the cell that is tagged `parameters`."
        )
