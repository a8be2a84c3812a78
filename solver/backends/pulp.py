"""CBC, bundled with PuLP, and any other solver that PuLP drives and that is installed here.

PuLP tells no dual bound, so the gap of its solutions is unknown even when CBC claims a
proof: `bound` is None, and OPTIMAL rests on the solver's word alone.

Importing PuLP loads highspy where that is installed, and the two together crash OR-Tools:
each package has a process of its own.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from threading import Event

from ..program import Program, SolveOptions
from ..progress import OnBounds
from .finish import Answer
from .native import CBC as CBC_OPTIONS
from .native import refusal
from .pulp_model import CBC, EXACT, GAPS, OTHERS, answer_here

NAME = "pulp:cbc"

WRONG_HIGHSPY = ("1.13.", "1.14.")
"""Releases of HiGHS that call wrong answers optimal."""


def known_names() -> tuple[str, ...]:
    """Every `pulp:` name, installed or not."""
    return (NAME, *(f"pulp:{solver}" for solver in (*GAPS, *EXACT, *OTHERS)))


@dataclass(frozen=True, slots=True)
class Pulp:
    """One of `known_names()`."""

    name: str
    library: str = "pulp"

    def version(self) -> str:
        """Of PuLP."""
        return version("pulp")

    @property
    def solver(self) -> str:
        """The solver as PuLP calls it, or `cbc` for the bundled one."""
        return self.name.removeprefix("pulp:")

    def available(self) -> str | None:
        """Why PuLP would not run here, or would be wrong, or None."""
        if find_spec("pulp") is None:
            return "the package pulp is not installed"
        if not version("pulp").startswith("3."):
            return f"pulp {version('pulp')} is not of the 3 series, the last to bundle a solver"
        if self.solver in OTHERS:
            return "PuLP would drop options on the way to it, and say nothing"
        if self.solver == "HiGHS" and find_spec("highspy") is not None:
            highspy = version("highspy")
            if highspy.startswith(WRONG_HIGHSPY):
                return f"highspy {highspy} calls wrong answers optimal"
        if any(character.isspace() for character in tempfile.gettempdir()):
            return "PuLP cannot use a temporary folder with a space in its name; set TMPDIR"
        return None

    def loadable(self) -> str | None:
        """Whether PuLP loads, and finds this solver."""
        try:
            import pulp
        except ImportError as error:
            return f"pulp cannot be loaded: {error}"
        if self.solver != CBC and self.solver not in pulp.listSolvers(onlyAvailable=True):
            return f"PuLP finds no {self.solver} here"
        return None

    def refusal(self, program: Program, options: SolveOptions) -> str | None:
        """Options that the wrapper of this solver would drop."""
        if options.threads > 1 and self.solver in EXACT:
            return "it runs on 1 thread"
        if options.seed and self.solver != CBC:
            return "PuLP passes no seed on to it"
        if options.native and self.solver != CBC:
            return "native options are passed on to CBC alone, not to other solvers of PuLP"
        return refusal(options.native, CBC_OPTIONS)

    def answer(self, program: Program, options: SolveOptions, say: OnBounds, stop: Event) -> Answer:
        """What the solver claims; it logs no bounds, and cannot be stopped.

        Raises:
            BackendError: the solver failed.
        """
        return answer_here(program, options, self.solver, tempfile.gettempdir())
