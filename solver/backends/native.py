"""Options that one solver knows by its own names: which a caller may pass on, and which not.

What is not allowed here is refused: whatever InferSave sets itself, whatever could read or write a
file or run a program, and every name that nobody thought of. So a release that brings a new option
brings no new danger. Values that are allowed are put before the solver, which may refuse them, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches

from ..program import NativeValue

Kind = type[bool] | type[int] | type[float] | tuple[int, int] | tuple[str, ...]
"""A type; the least and greatest whole number; or the words that may be said."""

FIELDS = (
    (r"time_?limit|(limits/)?(soft)?time|sec(onds)?|timeMode|timing/.*", "time_limit_s"),
    (r"mip_(rel|abs)_gap|limits/(abs)?gap|ratio(Gap)?|allow(ableGap)?", "relative_gap"),
    (r"threads|parallel(/.*)?|lp/threads|simplex_(min|max)_concurrency", "threads"),
    (r"random(_s|S|CbcS)eed|randomization/.*", "seed"),
    (r"limits/memory", "memory_limit_bytes"),
)
"""Options of the solvers that are fields of `SolveOptions`."""

OWN = r".*toleranc.*|numerics/.*|log_.*|output_flag|display/.*|log(Level)?|mip_report_level"
"""Options that InferSave sets itself: what it checks, and what it listens to, depend on them."""

HIGHS: Mapping[str, Kind] = {
    **dict.fromkeys(
        (
            *("mip_allow_restart", "mip_detect_symmetry", "mip_heuristic_run_feasibility_jump"),
            *("mip_heuristic_run_rens", "mip_heuristic_run_rins", "mip_heuristic_run_shifting"),
            *("mip_heuristic_run_root_reduced_cost", "mip_heuristic_run_zi_round"),
        ),
        bool,
    ),
    **dict.fromkeys(
        (
            *("mip_lifting_for_probing", "mip_lp_age_limit", "mip_max_improving_sols"),
            *("mip_max_leaves", "mip_max_nodes", "mip_max_stall_nodes", "mip_pool_age_limit"),
            *("mip_pool_soft_limit", "mip_pscost_minreliable", "presolve_reduction_limit"),
            *("presolve_substitution_maxfillin", "simplex_crash_strategy"),
            *("simplex_dual_edge_weight_strategy", "simplex_primal_edge_weight_strategy"),
            *("simplex_scale_strategy", "simplex_update_limit"),
        ),
        int,
    ),
    "mip_heuristic_effort": float,
    "presolve": ("choose", "off", "on"),
}
"""Of HiGHS 1.12."""

SCIP = re.compile(
    r"(branching|conflict|constraints|cutselection|heuristics|nodeselection|presolving|propagating"
    r"|separating)/[a-zA-Z0-9_/]+"
    r"|limits/(bestsol|nodes|restarts|solutions|stallnodes|totalnodes)|misc/usesymmetry"
)
"""Of SCIP, where they are no text: its files are named by parameters that are text."""

CUTS = ("forceOn", "ifmove", "off", "on", "root")
TIMES = ("before", "both", "off", "on")
MANY = 2**31 - 1
CBC: Mapping[str, Kind] = {
    **dict.fromkeys(
        (
            *("cliqueCuts", "cutsOnOff", "flowCoverCuts", "gomoryCuts", "knapsackCuts"),
            *("liftAndProjectCuts", "mixedIntegerRoundingCuts", "probingCuts"),
            *("reduceAndSplitCuts", "residualCapacityCuts", "twoMirCuts", "zeroHalfCuts"),
        ),
        CUTS,
    ),
    **dict.fromkeys(
        (
            *("combineSolutions", "DivingCoefficient", "DivingSome", "feasibilityPump"),
            *("greedyHeuristic", "naiveHeuristics", "pivotAndFix", "Rens", "Rins"),
            "roundingHeuristic",
        ),
        TIMES,
    ),
    "heuristicsOnOff": ("off", "on"),
    "nodeStrategy": ("depth", "downdepth", "downfewest", "fewest", "hybrid", "updepth", "upfewest"),
    "preprocess": ("aggregate", "equal", "equalall", "off", "on", "sos", "trysos"),  # save: a file
    "presolve": ("more", "off", "on"),  # file: a file
    "cutDepth": (-1, MANY),
    "cutLength": (-1, MANY),
    "depthMiniBab": (-MANY, MANY),
    "diveOpt": (-1, 200_000),
    "diveSolves": (-1, 200_000),
    "passCuts": (-MANY, MANY),
    "passFeasibilityPump": (0, 10_000),
    "passPresolve": (-200, 100),
    "passTreeCuts": (-MANY, MANY),
    "strongBranching": (0, MANY),
    "trustPseudoCosts": (-3, MANY),
}
"""Of CBC 2.10, which goes on with what it had when a value is out of range."""


def refusal(native: Mapping[str, NativeValue], allowed: Mapping[str, Kind]) -> str | None:
    """Why one of the options cannot be passed on, or None."""
    for name, value in native.items():
        if reason := owned(name):
            return reason
        if name not in allowed:
            near = get_close_matches(name, allowed, n=3)
            hint = f"; the nearest are {', '.join(near)}" if near else ""
            return f"native option {name!r} is not one that is passed on{hint}"
        if reason := _misfit(value, allowed[name]):
            return f"native option {name!r} {reason}, not {value!r}"
    return None


def scip_refusal(native: Mapping[str, NativeValue]) -> str | None:
    """`refusal` for SCIP, which knows thousands: by name and type, and it sees to the rest."""
    for name, value in native.items():
        if reason := owned(name):
            return reason
        if not SCIP.fullmatch(name):
            return f"native option {name!r} is not one that is passed on"
        if isinstance(value, str) and len(value) != 1:
            return f"native option {name!r} must be a number, a flag or one character"
    return None


def owned(name: str) -> str | None:
    """Why an option is not the caller's, or None."""
    for pattern, field in FIELDS:
        if re.fullmatch(pattern, name):
            return f"native option {name!r} is InferSave's own: use {field}"
    if re.fullmatch(OWN, name):
        return f"native option {name!r} is set by InferSave itself"
    return None


def _misfit(value: NativeValue, kind: Kind) -> str | None:
    """What a value must be, where it is not."""
    if isinstance(kind, tuple):
        if isinstance(kind[0], str):
            return None if value in kind else f"must be one of {', '.join(map(str, kind))}"
        low, high = (int(bound) for bound in kind)
        whole = isinstance(value, int) and not isinstance(value, bool)
        inside = whole and low <= int(value) <= high
        return None if inside else f"must be a whole number from {low} to {high}"
    if kind is float and type(value) is int:
        return None
    names = {bool: "true or false", int: "a whole number", float: "a number"}
    return None if type(value) is kind else f"must be {names[kind]}"
