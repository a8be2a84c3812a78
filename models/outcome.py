"""How an attempt ends: the status of a plan, and the tree of errors.

InferSaveError
|- ProblemError(ValueError)     a value in the problem breaks a rule
|- CatalogError(LookupError)    a name is not in a catalogue, or a row is wrong
|  `- UnknownNameError          ... in a row of measurements
|- CalibrationError             a calibration cannot be fitted or used
|- NoPlanError                  the problem is sound but there is no plan
|  `- InfeasibleError           ... and that is proved
|- BackendError                 a solver failed
|  |- BackendUnavailable        it is not installed, or cannot be loaded here
|  |- UnsupportedProgram        it cannot answer this kind of program
|  `- UnsupportedOption         it cannot honour this option
`- VerificationError            a plan does not stand up to recomputation
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum


class Status(StrEnum):
    """Why a solve ended; `sentence` says it for people."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    NO_PLAN = "no_plan"

    @property
    def sentence(self) -> str:
        """The status in words, with what to do about it."""
        return _SENTENCES[self]


_SENTENCES = {
    Status.OPTIMAL: "Proved optimal within the requested gap.",
    Status.FEASIBLE: "Holds every SLO; a cheaper plan may exist. Raise the time limit for a proof.",
    Status.INFEASIBLE: "Proved that no plan exists. Relax an SLO or widen the catalogue.",
    Status.NO_PLAN: "The limit was reached before any plan was found. Raise the time limit.",
}


class InferSaveError(Exception):
    """Base of every error that InferSave raises on purpose; each survives pickling."""


class ProblemError(InferSaveError, ValueError):
    """A value in a problem breaks a rule.

    Attributes:
        field: path of the value, such as `workloads[0].slo.tpot_s`.
        value: what was given.
        rule: what it must be.
    """

    def __init__(self, field: str, value: object, rule: str) -> None:
        self.field, self.value, self.rule = field, value, rule
        given = "" if value is None else f" = {_shown(value)}"
        super().__init__(f"{_printable(field, FIELD_SHOWN)}{given}: {_printable(rule, RULE_SHOWN)}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.field, self.value, self.rule)


def nearest(name: str, known: Iterable[str]) -> str:
    """The names that one not known may have meant, in words."""
    names = sorted(set(known))
    folded = {n.casefold(): n for n in names}
    near = [folded[m] for m in get_close_matches(name.casefold(), folded, n=4, cutoff=0.5)]
    if near:
        return f"the nearest names are {', '.join(near)}"
    if names:
        return f"known are {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}"
    return "the catalogue is empty"


class CatalogError(InferSaveError, LookupError):
    """A name that no catalogue knows, or a catalogue row that cannot be read."""

    def __init__(self, message: str) -> None:
        super().__init__(_printable(message, MESSAGE_SHOWN))

    @classmethod
    def unknown(cls, kind: str, name: str, known: Iterable[str], field: str = "") -> CatalogError:
        """An error that offers the nearest known names.

        >>> str(CatalogError.unknown("GPU", "A100", ["A10G", "A100-40GB", "T4"]))
        "unknown GPU 'A100'; the nearest names are A10G, A100-40GB"
        """
        hint = nearest(name, known)
        return cls(f"{field + ': ' if field else ''}unknown {kind} {_shown(name)}; {hint}")

    def __str__(self) -> str:
        """The message itself: LookupError's children would show its repr."""
        return str(self.args[0])


class UnknownNameError(CatalogError):
    """A row of measurements names a GPU or an LLM that no catalogue describes."""


class CalibrationError(InferSaveError):
    """A calibration cannot be fitted from these rows, or does not fit this use."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something that was asked and stands in the way of a plan.

    Attributes:
        subject: the workload, the quota, or `budget`.
        rule: `slo.tpot_s` and the like; `memory`; of a limit its unit, such as `gpus`.
        asked: its value.
        needed: the value that would do where nothing else changes: of an SLO, what the VM type
            that comes nearest reaches; of a limit, one of the least sets of excesses. None:
            there is none, or it is not known.
    """

    subject: str
    rule: str
    asked: float | None = None
    needed: float | None = None


class NoPlanError(InferSaveError):
    """The problem is sound, yet there is no plan to return.

    Attributes:
        reasons: one line per cause, in the user's own units.
        conflicts: the causes for programs, as far as they are known; `explain` finds what would
            have to give, and what that costs.
    """

    def __init__(
        self, message: str, reasons: Sequence[str] = (), conflicts: Sequence[Conflict] = ()
    ) -> None:
        self.message, self.reasons, self.conflicts = message, tuple(reasons), tuple(conflicts)
        super().__init__("\n  ".join([message, *self.reasons]))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message, self.reasons, self.conflicts)


class InfeasibleError(NoPlanError):
    """It is proved that no plan exists."""


class BackendError(InferSaveError):
    """A solver failed to answer."""


class BackendUnavailable(BackendError):
    """A solver is not installed, or cannot be loaded in this process."""


class UnsupportedProgram(BackendError):
    """A solver cannot answer this kind of program rightly."""


class UnsupportedOption(BackendError):
    """A solver cannot honour an option, and says so instead of dropping it."""


class VerificationError(InferSaveError):
    """A plan contradicts the model it claims to satisfy.

    Attributes:
        violations: one line per contradiction.
    """

    def __init__(self, violations: Sequence[str]) -> None:
        self.violations = tuple(violations)
        super().__init__("\n  ".join(["the plan does not stand up to recomputation:", *violations]))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.violations,)


def status_word(error: BaseException) -> str:
    """How an attempt that ended in an error is called in results.

    >>> status_word(InfeasibleError("no")), status_word(ProblemError("a", 1, "must be 2"))
    ('infeasible', 'invalid')
    """
    words: tuple[tuple[type[BaseException], str], ...] = (
        (InfeasibleError, "infeasible"),
        (NoPlanError, "no_plan"),
        (VerificationError, "violated"),
        (BackendUnavailable, "unavailable"),
        (UnsupportedOption, "unsupported"),
        (UnsupportedProgram, "unsupported"),
        (BackendError, "failed"),
        (OSError, "failed"),
    )
    return next((word for kind, word in words if isinstance(error, kind)), "invalid")


def _shown(value: object) -> str:
    """A value as an error shows it."""
    try:
        return _printable(repr(value), VALUE_SHOWN)
    except ValueError:  # 0xfff... in a file: Python writes no more than 4,300 decimal digits
        return "a number of very many digits"


VALUE_SHOWN, FIELD_SHOWN, RULE_SHOWN, MESSAGE_SHOWN = 80, 200, 600, 1000
"""Characters of each that a message repeats."""


def _printable(text: str, most: int) -> str:
    """Printable characters only, cut short: input may come from strangers, errors reach terminals.

    >>> _printable("a" + chr(27) + "[31m" + "b" * 9, 12)
    'a?[31mbbb...'
    """
    clean = "".join(c if c.isprintable() else "?" for c in text)
    return clean if len(clean) <= most else clean[: most - 3] + "..."
