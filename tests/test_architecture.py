"""The house: rooms import downwards, one room prints, nobody reaches into another's private drawers, notebooks are thin."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "impact"
ROOMS = [
    "errors",
    "atomic",
    "settings",
    "text",
    "months",
    "documents",
    "schema",
    "study",
    "sources",
    "clean",
    "panel",
    "moments",
    "design",
    "results",
    "infer",
    "estimate",
    "check",
    "survey",
    "verdict",
    "report",
    "run",
    "simulate",
    "cli",
]
FILES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_LINES = 400

every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.name)


def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def module_of(file: Path) -> tuple[str, ...]:
    """Name of a module, in parts: `("impact", "design", "contrast")`."""
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imports(file: Path) -> Iterator[tuple[str, str]]:
    """Give (module, name) of everything imported anywhere in a file; relative imports are made absolute."""
    package = module_of(file) if file.name == "__init__.py" else module_of(file)[:-1]
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((module, alias.name) for alias in node.names)


def rooms_imported(file: Path) -> set[str]:
    """Rooms of the package that a file imports; from `impact` itself only the version is no room."""
    paths = [[*module.split("."), name] for module, name in imports(file) if module.split(".")[0] == "impact"]
    return {path[1] for path in paths if path[1] not in ("", "__version__")}


def test_every_room_has_a_place_in_the_order():
    found = {module_of(file)[1] for file in FILES if len(module_of(file)) > 1}
    assert found <= set(ROOMS)
    assert len(FILES) > 30


@every_file
def test_a_room_imports_only_from_the_rooms_below_it(file):
    module = module_of(file)
    allowed = ROOMS[: ROOMS.index(module[1]) + 1] if len(module) > 1 else []
    assert rooms_imported(file) <= set(allowed)


@every_file
def test_only_the_command_line_prints(file):
    if module_of(file)[:2] == ("impact", "cli"):
        return
    nodes = list(ast.walk(tree_of(file)))
    printed = [node.lineno for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "echo", "typer.echo")]
    written = [node.lineno for node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.stdout", "sys.__stdout__")]
    assert [*printed, *written] == []
    assert ("sys", "stdout") not in set(imports(file))


@every_file
def test_nobody_imports_a_private_name(file):
    parts = [part for module, name in imports(file) if module.split(".")[0] == "impact" for part in (*module.split("."), name)]
    assert [part for part in parts if part.startswith("_") and not part.endswith("__")] == []


@every_file
def test_every_module_says_what_it_is(file):
    assert len((ast.get_docstring(tree_of(file)) or "").strip()) > 20


@pytest.mark.parametrize(
    "package", [file for file in FILES if file.name == "__init__.py" and file.parent != PACKAGE], ids=lambda file: file.parent.name
)
def test_every_package_says_what_it_may_touch(package):
    assert "May touch: " in (ast.get_docstring(tree_of(package)) or "")


@every_file
def test_no_file_is_long_and_none_is_a_drawer_for_odds_and_ends(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
    assert not {"utils", "helpers", "util", "helper"} & set(module_of(file))


def code_of(cell: dict[str, object]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def test_there_are_notebooks():
    assert NOTEBOOKS


@every_notebook
def test_a_notebook_in_git_has_no_outputs_and_no_counts(notebook):
    cells = [cell for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert cells
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)


@every_notebook
def test_a_notebook_has_one_parameters_cell(notebook):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    assert [cell["cell_type"] for cell in tagged] == ["code"]


@every_notebook
def test_a_notebook_defines_nothing_and_names_no_place_of_one_machine(notebook):
    content = json.loads(notebook.read_text(encoding="utf-8"))
    code = "\n".join(code_of(cell) for cell in content["cells"] if cell["cell_type"] == "code")
    nodes = list(ast.walk(ast.parse("\n".join(line for line in code.splitlines() if not line.startswith(("%", "!"))))))
    assert [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)] == []
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert [text for text in texts if re.match(r"(/\w|~/|[A-Za-z]:[\\/])", text)] == []
    assert not re.search(r"/(home|Users|work|root|tmp)/", json.dumps(content))
