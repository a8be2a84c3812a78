"""A file with all that it takes to see again what should never have happened."""

from __future__ import annotations

import hashlib
import platform
import sys
from contextlib import suppress
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from .output import to_json

if TYPE_CHECKING:
    from ..models.fleet import FleetProblem
    from ..models.plan import FleetPlan
    from ..solver.program import SolveOptions

PACKAGES = ("infersave", "ortools", "pulp", "highspy", "numpy", "scipy", "pydantic")


def write_bundle(
    problem: FleetProblem, options: SolveOptions, *, plan: FleetPlan | None = None, error: str = ""
) -> None:
    """Write it into the current folder, no more in it than is listed here, and say so on stderr."""
    text = to_json(
        {
            "what": error or "a solver claimed a proof that another answer contradicts",
            "versions": _versions(),
            "options": {f.name: getattr(options, f.name) for f in fields(options) if f.compare},
            "problem": problem.model_dump(mode="json"),
            "plan": None if plan is None else plan.model_dump(mode="json"),
        }
    )
    name = f"infersave-bug-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as failed:
        print(f"warning: {name} cannot be written here: {failed.strerror}", file=sys.stderr)
        return
    print(
        f"warning: this should not happen. {name} holds the problem, the answers and the versions; "
        "please send it to the maintainers if you may.",
        file=sys.stderr,
    )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
