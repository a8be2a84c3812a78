"""Importing InferSave is cheap: no solver, table or plotting library comes along.

Each check runs in a fresh interpreter, outside the checkout.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("highspy", "matplotlib", "ortools", "pandas", "plotly", "pulp", "scipy")
NOT_FOR_HELP = (*HEAVY, "networkx", "numpy", "pydantic")

IMPORT = "import infersave"
TOUCH_EVERY_NAME = "import infersave\nfor name in infersave.__all__: getattr(infersave, name)"
HELP = """
import sys
sys.argv = ["infersave", "--help"]
from infersave.cli import main
try:
    code = main()
except SystemExit as stop:
    code = stop.code
assert not code, code
"""
REPORT = """
import json, sys
print()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded_by(source: str, folder: Path) -> set[str]:
    """Top-level packages loaded in a fresh interpreter once it has run `source`."""
    run = subprocess.run(
        [sys.executable, "-I", "-c", source + REPORT],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout.splitlines()[-1]))


@pytest.mark.parametrize("source", [IMPORT, TOUCH_EVERY_NAME], ids=["import", "every name"])
def test_import_loads_nothing_heavy(source: str, tmp_path: Path) -> None:
    loaded = loaded_by(source, tmp_path)
    assert "infersave" in loaded
    assert loaded.isdisjoint(HEAVY), loaded.intersection(HEAVY)


def test_help_loads_neither_numbers_nor_solvers(tmp_path: Path) -> None:
    loaded = loaded_by(HELP, tmp_path)
    assert "infersave" in loaded
    assert loaded.isdisjoint(NOT_FOR_HELP), loaded.intersection(NOT_FOR_HELP)


def test_every_public_name_is_there() -> None:
    import infersave

    assert len(set(infersave.__all__)) == len(infersave.__all__)
    assert [name for name in infersave.__all__ if not hasattr(infersave, name)] == []
