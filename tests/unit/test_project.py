"""What the repository promises about itself: generated files, lock file, two commands."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIREMENTS = [*PROJECT["dependencies"], *(one for extra in PROJECT["optional-dependencies"].values() for one in extra)]


def _generate():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "tools" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", _generate().GENERATED)
def test_a_generated_file_is_what_the_code_would_write_now(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == _generate().GENERATED[name](), "run `make docs`"


def test_conda_users_get_every_requirement_once_with_the_same_bounds() -> None:
    module = _generate()
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    conda, pip = [one for one in listed if isinstance(one, str)], next(one["pip"] for one in listed if isinstance(one, dict))
    back = {conda_name: name for name, conda_name in module.CONDA_NAMES.items()}
    named = [_renamed(one, back) for one in conda if not one.startswith(("python>", "pip"))]
    wanted = [one.split("#")[0].strip() for one in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["real-data"])]
    assert sorted([*named, *(one for one in pip if one != "-e .")]) == sorted(wanted)
    assert f"python{PROJECT['requires-python']}" in conda


def _renamed(requirement: str, back: dict[str, str]) -> str:
    name = re.split(r"[<>=]", requirement)[0]
    return requirement.replace(name, back.get(name, name), 1)


@pytest.mark.parametrize("name", ["jupyterlab", "pandas", "statsmodels", "scikit-learn", "papermill", "matplotlib"])
def test_the_core_stack_is_in_both_environments(name: str) -> None:
    assert any(one.startswith(name) for one in PROJECT["dependencies"])
    assert name in (ROOT / "environment.yml").read_text(encoding="utf-8")


def test_the_lock_file_pins_every_requirement_with_hashes_and_no_address() -> None:
    plain, spark = ((ROOT / file).read_text(encoding="utf-8") for file in ("requirements.lock", "requirements-spark.lock"))
    assert not re.search(r"https?:|file:|--index-url|--find-links", plain + spark)
    assert "pyspark==" not in plain, "400 MB: it belongs into requirements-spark.lock"
    for requirement in REQUIREMENTS:
        lock = spark if requirement.startswith("pyspark") else plain
        name = re.split(r"[<>=\[]", requirement)[0].lower().replace("_", "-")
        assert re.search(rf"^{re.escape(name)}==[^\n]+\\\n    --hash=sha256:", lock, re.MULTILINE), f"{name}: run `make lock`"


def test_every_dependency_has_its_line_in_the_decision_record() -> None:
    record = (ROOT / "docs" / "decisions" / "0002-dependencies.md").read_text(encoding="utf-8")
    for requirement in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["real-data"]):
        assert re.split(r"[<>=\[]", requirement)[0] in record


def test_the_commands_of_the_readme_exist_and_the_readme_is_short() -> None:
    readme, makefile = (ROOT / "README.md").read_text(encoding="utf-8"), (ROOT / "Makefile").read_text(encoding="utf-8")
    assert len(readme.splitlines()) < 150
    for command in re.findall(r"`?make ([a-z-]+)", readme):
        assert re.search(rf"^{command}:", makefile, re.MULTILINE), command
    for path in re.findall(r"\]\(([^)]+)\)", readme):
        assert (ROOT / path).exists(), path


def test_ci_calls_the_test_command_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.rstrip().endswith("make test")
    assert "set -euo pipefail" in script


def test_every_study_names_the_schema_and_is_called_like_its_file() -> None:
    from impact.study import load_study

    for path in (ROOT / "studies").glob("*.yaml"):
        assert path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=schema.json")
        assert load_study(path).name == path.stem
    assert json.loads((ROOT / "studies" / "schema.json").read_text(encoding="utf-8"))["title"] == "Study"


def test_chinese_words_use_chinese_punctuation() -> None:
    for folder in ("src", "studies", "data"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".yaml", ".toml", ".md"):
                found = re.search(r"[\u4e00-\u9fff][,;:?!(](?=[\u4e00-\u9fff])", path.read_text(encoding="utf-8"))
                assert not found, f"{path}: {found.group(0)}"
