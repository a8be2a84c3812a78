"""The shape of the project: what ships, who may import whom, who may open a file."""

from __future__ import annotations

import ast
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("catalogs", "cli", "models", "solver")
SCRIPTS = sorted(path.relative_to(ROOT) for path in (ROOT / "catalogs/maintain").glob("*.py"))
"""Run by those who renew the data, never shipped: no part of the package."""
MODULES = sorted(
    {path.relative_to(ROOT) for path in ROOT.glob("*.py")}
    | {path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")}
    - set(SCRIPTS)
)
MAX_LINES = 300

PACKAGE = "infersave"
SOLVERS = ("highspy", "ortools", "pulp")
OUTSIDE = ("infersave.benchmarks", "infersave.tests")
FORBIDDEN = {
    "models": ("infersave.catalogs", "infersave.cli", "infersave.solver", "rich", "yaml"),
    "catalogs": ("infersave.cli", "infersave.solver"),
    "solver": ("infersave.catalogs", "infersave.cli", "rich", "yaml"),
    "cli": (),
}
"""What a folder never imports, beside OUTSIDE; and SOLVERS belong to solver/backends alone."""

ABOVE = ("reasons", "replanning", "whatif")
"""Folders of solver/ that nothing else of it imports."""

FILE_READERS = {
    ("models/architecture.py", "from_hf_config"),
    ("solver/backends/process.py", "_started"),
    ("solver/backends/process.py", "_last_words"),
    ("solver/backends/writing.py", "write_here"),
}
"""The functions outside catalogs/ and cli/ that open a file: one that their caller names, or what
a solver's process writes in a folder of its own."""

FILE_CALLS = {"open", "read_bytes", "read_text", "write_bytes", "write_text"}


@dataclass
class Module(ast.NodeVisitor):
    """What one module imports and which of its functions open files.

    Attributes:
        path: the module's file, relative to the checkout.
        imports: absolute names of every import, `from a import b` giving both `a` and `a.b`.
        at_import: those that run when the module is imported.
        opens: names of the functions that open a file; "" is the module itself.
        absolute: whether it names `infersave` other than relatively.
    """

    path: Path
    imports: set[str] = field(default_factory=set)
    at_import: set[str] = field(default_factory=set)
    opens: set[str] = field(default_factory=set)
    absolute: bool = False
    _inside: list[str] = field(default_factory=list)
    _types_only: bool = False

    @classmethod
    def read(cls, path: Path, source: str | None = None) -> Module:
        """Read the module at `path` in the checkout, or `source` as if it lay there."""
        module = cls(path)
        module.visit(ast.parse(source or (ROOT / path).read_text(encoding="utf-8")))
        return module

    @property
    def package(self) -> list[str]:
        """The parts of the package that a relative import starts from."""
        return [PACKAGE, *self.path.parent.parts]

    def visit_Import(self, node: ast.Import) -> None:
        self._found(*(alias.name for alias in node.names))
        self.absolute |= any(alias.name.split(".")[0] == PACKAGE for alias in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = [node.module] if node.module else []
        if node.level:
            base = self.package[: len(self.package) - node.level + 1] + base
        else:
            self.absolute |= base[0].split(".")[0] == PACKAGE
        origin = ".".join(base)
        self._found(origin, *(f"{origin}.{alias.name}" for alias in node.names))

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._inside.append(node.name)
        self.generic_visit(node)
        self._inside.pop()

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test) not in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            self.generic_visit(node)
            return
        self._types_only = True
        for child in node.body:
            self.visit(child)
        self._types_only = False
        for child in node.orelse:
            self.visit(child)

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)
        if name in FILE_CALLS:
            self.opens.add(self._inside[-1] if self._inside else "")
        self.generic_visit(node)

    def _found(self, *names: str) -> None:
        self.imports.update(names)
        if not self._inside and not self._types_only:
            self.at_import.update(names)


def among(names: set[str], packages: tuple[str, ...]) -> set[str]:
    """The names that lie in one of the packages."""
    return {n for n in names if any(n == p or n.startswith(p + ".") for p in packages)}


def in_folders(*folders: str) -> list[Path]:
    """The modules under the named root folders."""
    return [path for path in MODULES if path.parts[0] in folders]


def test_every_package_is_listed() -> None:
    """A subpackage that is not listed works in the checkout and is absent from the wheel."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = {
        ".".join((PACKAGE, *path.parent.parts)) for path in MODULES if path.name == "__init__.py"
    }
    assert set(config["tool"]["setuptools"]["packages"]) == found


def test_every_folder_of_modules_is_a_package() -> None:
    assert all((ROOT / path.parent / "__init__.py").exists() for path in MODULES)


def test_nothing_below_knows_what_stands_on_it() -> None:
    """Planners, reasons and what-ifs use the solver; a solve needs none of them."""
    above = tuple(f"infersave.solver.{name}" for name in ABOVE)
    for path in in_folders("solver"):
        if len(path.parts) < 3 or path.parts[1] not in ABOVE:
            assert not among(Module.read(path).imports, above), path


def test_no_stray_root_module() -> None:
    """Any other module in the root would ship as `infersave.<name>`."""
    assert {path.name for path in ROOT.glob("*.py")} == {"__init__.py", "__main__.py"}


@pytest.mark.parametrize("path", MODULES + SCRIPTS, ids=str)
def test_module_stays_short(path: Path) -> None:
    lines = (ROOT / path).read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_LINES, "which second concept lives here?"


@pytest.mark.parametrize("folder", FOLDERS)
def test_dependencies_point_one_way(folder: str) -> None:
    forbidden = FORBIDDEN[folder] + OUTSIDE
    wrong = {str(path): among(Module.read(path).imports, forbidden) for path in in_folders(folder)}
    assert {path: names for path, names in wrong.items() if names} == {}


@pytest.mark.parametrize("path", MODULES + SCRIPTS, ids=str)
def test_solvers_are_imported_by_backends_when_they_solve(path: Path) -> None:
    module = Module.read(path)
    if path.parts[:2] == ("solver", "backends"):
        assert among(module.at_import, SOLVERS) == set(), "import it in the function that solves"
    else:
        assert among(module.imports, SOLVERS) == set(), "only solver/backends may"


@pytest.mark.parametrize("path", in_folders(*FOLDERS), ids=str)
def test_neighbours_are_imported_relatively(path: Path) -> None:
    assert not Module.read(path).absolute


def test_root_names_the_package_absolutely() -> None:
    """A test runner may import it under the checkout's folder name."""
    tree = ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8"))
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level]


def test_files_are_opened_by_catalogs_and_cli_alone() -> None:
    opens = {
        (path.as_posix(), function)
        for path in MODULES
        if path.parts[0] not in ("catalogs", "cli")
        for function in Module.read(path).opens
    }
    assert opens <= FILE_READERS


def test_the_reader_of_modules_sees_what_it_must() -> None:
    """Every rule above rests on it, so each of them is shown to fire."""
    source = """
import json
from typing import TYPE_CHECKING
from .. import catalogs
from ..models.hardware import GPU
if TYPE_CHECKING:
    import ortools
class A:
    def solve(self):
        import pulp
        from ortools.math_opt import model_pb2
        return self.path.read_text(), open("x")
import infersave.cli
"""
    module = Module.read(Path("solver/solve.py"), source)
    assert among(module.imports, SOLVERS) >= {"ortools", "pulp", "ortools.math_opt.model_pb2"}
    assert among(module.at_import, SOLVERS) == set()
    assert "infersave.models.hardware.GPU" in module.at_import
    assert among(module.imports, FORBIDDEN["solver"]) == {"infersave.catalogs", "infersave.cli"}
    assert module.opens == {"solve"}
    assert module.absolute
