"""What a backend is, and how one is found by name.

A backend turns arrays into a claim (`Answer`). It declares what it cannot do as a reason in
words; `running.run` turns the reason into an error, lets a process of its own answer, and believes
only what it has measured again.
"""

from __future__ import annotations

from threading import Event
from typing import Protocol

from ...models.outcome import CatalogError
from ..program import Program, SolveOptions
from ..progress import OnBounds
from .finish import Answer


class Backend(Protocol):
    """A solver that answers programs."""

    @property
    def name(self) -> str:
        """How users call it, such as `ortools:highs`."""

    @property
    def library(self) -> str:
        """The package that brings it: backends of one package share a process, others do not."""

    def version(self) -> str:
        """Of the package; empty where it has none."""

    def available(self) -> str | None:
        """Why it cannot run on this machine, as far as can be told without loading it, or None."""

    def loadable(self) -> str | None:
        """Why it cannot be loaded in this process, found by loading it, or None."""

    def refusal(self, program: Program, options: SolveOptions) -> str | None:
        """Why it cannot answer this program or honour these options, or None.

        With the default options the reason concerns the program alone.
        """

    def answer(self, program: Program, options: SolveOptions, say: OnBounds, stop: Event) -> Answer:
        """What it claims, computed in this process.

        Args:
            say: told (incumbent, bound) as it goes, if it logs them.
            stop: when set, it answers what it has, if it can.

        Raises:
            BackendError: it failed.
        """


def backend_names() -> tuple[str, ...]:
    """The backends that an installation brings, the default first."""
    from . import exhaustive, ortools, pulp

    return (*ortools.NAMES, pulp.NAME, exhaustive.NAME)


def get_backend(name: str) -> Backend:
    """The backend of that name, in any case of letters; loads no solver.

    Raises:
        CatalogError: nobody answers to the name; offers the nearest ones.
    """
    from . import exhaustive, ortools, pulp

    folded = name.casefold()
    if folded in ortools.NAMES:
        return ortools.OrTools(folded)
    if folded == exhaustive.NAME:
        return exhaustive.Exhaustive()
    known = {n.casefold(): n for n in pulp.known_names()}
    if folded in known:
        return pulp.Pulp(known[folded])
    raise CatalogError.unknown("backend", name, {*backend_names(), *known.values()})
