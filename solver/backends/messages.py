"""What a parent and its solver's process say to each other, one pickle after the other.

Nobody else can write to their pipes: the parent started the process.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..program import Program, SolveOptions
from .finish import Answer
from .writing import WRITER, Format


@dataclass(frozen=True, slots=True)
class Solve:
    """Answer this program; `Answer` or `Failed` comes back, `Bounds` before it."""

    backend: str
    program: Program
    options: SolveOptions


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Load this backend and try it on the canaries; `Tested` comes back."""

    backend: str


@dataclass(frozen=True, slots=True)
class Write:
    """Write this program in this format; `Written` or `Failed` comes back."""

    program: Program
    form: Format
    backend: str = WRITER


@dataclass(frozen=True, slots=True)
class Stop:
    """Answer what you have."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Best objective and bound so far, in the program's money."""

    incumbent: float | None
    bound: float | None


@dataclass(frozen=True, slots=True)
class Tested:
    """Why the backend cannot be used, or None."""

    reason: str | None


@dataclass(frozen=True, slots=True)
class Written:
    """The text of a program."""

    text: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The solver failed, in words; or refused an option."""

    message: str
    refused: bool = False


Work = Solve | SelfTest | Write
Request = Work | Stop
Reply = Answer | Bounds | Tested | Written | Failed
