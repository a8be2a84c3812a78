"""Native options on their way to HiGHS and SCIP, each tried on a model of nothing before."""

from __future__ import annotations

from typing import Any

from ...models.outcome import UnsupportedOption
from ..program import NativeValue, SolveOptions

HIGHS_MAPS = {bool: ("bool",), int: ("int",), float: ("double",), str: ("string",)}
SCIP_MAPS = {bool: ("bool",), int: ("int", "long", "real"), float: ("real",), str: ("char",)}
"""By type of a value, the kinds of options that it may be meant for. None of SCIP's is text."""

NOT_OF_THIS_KIND = "error code -13"
"""How SCIP says that a parameter has another type."""

TOO_LARGE = "out of range"

WORDS = {
    "option name was unknown": "it knows no such option",
    "error code -12": "it knows no such option",
    "error code -13": "it wants another type",
    "error code -14": "out of range",
    "not valid for name": "out of range, or another type is wanted",
}
"""What the solvers' messages about an option mean."""


def apply_native(backend: str, options: SolveOptions, arguments: tuple[Any, ...]) -> None:
    """Put every native option among the parameters of MathOpt's arguments.

    Raises:
        UnsupportedOption: the solver does not know it, or not with this value.
    """
    for name, value in options.native.items():
        kind = _kind(backend, name, value, arguments)
        _put(backend, arguments[3], kind, name, value)


def _kind(backend: str, name: str, value: NativeValue, arguments: tuple[Any, ...]) -> str:
    """The kind of option that the solver has under this name, found by asking it."""
    from ortools.math_opt import model_parameters_pb2, model_pb2
    from ortools.math_opt.core.python import solver

    _, kind, initializer, parameters, _, _, callbacks, user = arguments
    nothing, extra = model_pb2.ModelProto(), model_parameters_pb2.ModelSolveParametersProto()
    said = ""
    for field in (HIGHS_MAPS if backend == "ortools:highs" else SCIP_MAPS)[type(value)]:
        alone = type(parameters)()
        alone.CopyFrom(parameters)  # with its threads: HiGHS has one count in a thread of ours
        try:
            _put(backend, alone, field, name, value)
            solver.solve(nothing, kind, initializer, alone, extra, None, callbacks, user, None)
            return field
        except ValueError:  # more than this kind of number holds
            said = TOO_LARGE
        except Exception as error:
            said = str(error.__context__ or error)
            if NOT_OF_THIS_KIND not in said:
                break
    why = next((words for code, words in WORDS.items() if code in said), said)
    raise UnsupportedOption(f"{backend} refuses native option {name!r} = {value!r}: {why}")


def _put(backend: str, parameters: Any, kind: str, name: str, value: NativeValue) -> None:
    if backend == "ortools:highs":
        getattr(parameters.highs, f"{kind}_options")[name] = value
    else:
        getattr(parameters.gscip, f"{kind}_params")[name] = value
