"""Native options: honoured or refused by name, never dropped, and gone with the solve."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from infersave import (
    ProblemError,
    SolveOptions,
    Status,
    UnsupportedOption,
    load_problem,
    parse_problem,
    solve,
)
from infersave.solver.backends import native
from infersave.solver.backends.base import get_backend
from infersave.solver.backends.canaries import CANARIES
from infersave.solver.backends.native import Kind
from infersave.solver.backends.pool import POOL
from infersave.solver.backends.running import run, unusable
from infersave.solver.builder import ProgramBuilder
from infersave.solver.program import NativeValue, Program

EXACT = SolveOptions(relative_gap=0.0)


def knapsacks(seed: int = 3, size: int = 30) -> Program:
    """Too much for the root of a search tree."""
    rng = np.random.default_rng(seed)
    builder = ProgramBuilder()
    x = builder.columns(size, cost=rng.uniform(20, 30, size), upper=1.0, integer=True)
    rows = builder.rows(6, lower=rng.uniform(5.0, 6.0, 6))
    builder.entries(rows[:, None], x, rng.uniform(0.2, 1.0, (6, size)))
    return builder.build()


def small() -> Program:
    return CANARIES[-1].program()


@pytest.mark.parametrize(
    ("backend", "option", "limit"),
    [("ortools:highs", "mip_max_nodes", "native"), ("ortools:scip", "limits/nodes", "node")],
)
def test_an_option_is_honoured_and_does_not_outlive_its_solve(
    backend: str, option: str, limit: str
) -> None:
    one = knapsacks()
    proved = run(backend, one, EXACT)
    assert proved.status is Status.OPTIMAL
    few = replace(EXACT, native={option: 1})
    for _ in range(2):
        stopped = run(backend, one, few)
        assert (stopped.status, stopped.limit) == (Status.FEASIBLE, limit)
        again = run(backend, one, EXACT)
        assert (again.status, again.objective) == (Status.OPTIMAL, proved.objective)
    assert unusable(backend) is None


def accepted(kind: Kind) -> NativeValue:
    """A value that the kind admits."""
    if isinstance(kind, tuple):
        return kind[-1] if isinstance(kind[0], str) else max(int(kind[0]), 1)
    return {bool: True, int: 1, float: 0.5}[kind]


@pytest.mark.parametrize("option", sorted(native.HIGHS))
def test_highs_knows_every_option_that_is_passed_on(option: str) -> None:
    one = replace(EXACT, native={option: accepted(native.HIGHS[option])})
    assert run("ortools:highs", small(), one).objective == CANARIES[-1].optimum


CBC_LOG = """
import subprocess, sys, pulp
for option, value in zip(sys.argv[1::2], sys.argv[2::2]):
    done = subprocess.run([pulp.PULP_CBC_CMD.pulp_cbc_path, option, value, "-quit"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    print(done.stdout)
"""


def cbc_says(*pairs: str) -> str:
    """Of options and values; in a child, as PuLP loads a highspy that is installed."""
    command = [sys.executable, "-c", CBC_LOG, *pairs]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.count("Welcome to the CBC") == len(pairs) / 2
    return said


def test_cbc_knows_every_option_that_is_passed_on() -> None:
    given = [(f"-{name}", str(value)) for name, kind in native.CBC.items() for value in words(kind)]
    said = cbc_says(*(word for pair in given for word in pair))
    for complaint in ("No match", "valid range", "Possible options"):
        assert complaint not in said


def words(kind: Kind) -> tuple[NativeValue, ...]:
    """All words of an option, or the least and the greatest number."""
    assert isinstance(kind, tuple)
    return kind


def test_what_cbc_does_not_take_it_says() -> None:
    assert "valid range" in cbc_says("-passPresolve", "101")
    assert "Possible options" in cbc_says("-presolve", "often")
    assert "No match" in cbc_says("-nobody", "1")


def test_cbc_honours_what_it_is_passed() -> None:
    words: dict[str, NativeValue] = {"strongBranching": 7, "preprocess": "off", "Rins": "on"}
    found = run("pulp:cbc", knapsacks(), replace(EXACT, native=words))
    assert found.objective == pytest.approx(run("pulp:cbc", knapsacks(), EXACT).objective)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("separating/maxrounds", 3),
        ("limits/nodes", 10**10),  # a long one
        ("heuristics/rins/nodesquot", 1),  # a real one
        ("heuristics/rins/nodesquot", 0.2),
        ("conflict/enable", False),
        ("nodeselection/childsel", "h"),
    ],
)
def test_scip_takes_every_type_but_text(option: str, value: NativeValue) -> None:
    one = replace(EXACT, native={option: value})
    assert run("ortools:scip", small(), one).objective == CANARIES[-1].optimum


SERVICE = {
    "workloads": [
        {
            "name": "chat",
            "architecture": "facebook/opt-2.7b",
            "requests_per_s": 1.0,
            "requests": [{"input_tokens": 128, "output_tokens": 64}],
        }
    ]
}
REFUSED = [
    ("ortools:highs", "mip_heuristic_efort", 0.1, "nearest are mip_heuristic_effort"),
    ("ortools:highs", "mip_heuristic_effort", "much", "must be a number, not 'much'"),
    ("ortools:highs", "mip_heuristic_effort", True, "must be a number, not True"),
    ("ortools:highs", "mip_heuristic_effort", 7.0, "out of range"),
    ("ortools:highs", "mip_max_nodes", 2.0, "must be a whole number"),
    ("ortools:highs", "presolve", "log", "must be one of choose, off, on"),
    ("ortools:highs", "time_limit", 1.0, "use time_limit_s"),
    ("ortools:highs", "mip_rel_gap", 0.5, "use relative_gap"),
    ("ortools:highs", "threads", 2, "use threads"),
    ("ortools:highs", "random_seed", 2, "use seed"),
    ("ortools:highs", "mip_feasibility_tolerance", 0.1, "set by InferSave itself"),
    ("ortools:highs", "output_flag", False, "set by InferSave itself"),
    ("ortools:highs", "log_file", "f", "set by InferSave itself"),
    ("ortools:highs", "write_model_file", "f", "not one that is passed on"),
    ("ortools:highs", "write_model_to_file", True, "not one that is passed on"),
    ("ortools:highs", "read_solution_file", "f", "not one that is passed on"),
    ("ortools:highs", "solution_file", "f", "not one that is passed on"),
    ("ortools:scip", "separating/nobody", 3, "it knows no such option"),
    ("ortools:scip", "separating/maxrounds", 0.5, "it wants another type"),
    ("ortools:scip", "separating/maxrounds", -7, "out of range"),
    ("ortools:scip", "nodeselection/childsel", "?", "out of range"),
    ("ortools:scip", "limits/time", 1.0, "use time_limit_s"),
    ("ortools:scip", "limits/gap", 0.5, "use relative_gap"),
    ("ortools:scip", "limits/memory", 0.5, "use memory_limit_bytes"),
    ("ortools:scip", "randomization/permutevars", True, "use seed"),
    ("ortools:scip", "numerics/feastol", 0.1, "set by InferSave itself"),
    ("ortools:scip", "display/verblevel", 0, "set by InferSave itself"),
    ("ortools:scip", "visual/vbcfilename", "f", "not one that is passed on"),
    ("ortools:scip", "heuristics/alns/rewardfilename", "file", "one character"),
    ("ortools:scip", "heuristics/alns/rewardfilename", "f", "it wants another type"),
    ("ortools:scip", "misc/catchctrlc", False, "not one that is passed on"),
    ("pulp:cbc", "strongBranching", -1, "must be a whole number from 0 to"),
    ("pulp:cbc", "strongBranching", True, "must be a whole number from 0 to"),
    ("pulp:cbc", "preprocess", "save", "must be one of aggregate,"),
    ("pulp:cbc", "presolve", "file", "must be one of more, off, on"),
    ("pulp:cbc", "presolve", "off -export f", "must be one of more, off, on"),
    ("pulp:cbc", "strongBranchin", 3, "nearest are strongBranching"),
    ("pulp:cbc", "strong", 3, "not one that is passed on"),
    ("pulp:cbc", "sec", 3, "use time_limit_s"),
    ("pulp:cbc", "allow", 3, "use relative_gap"),
    ("pulp:cbc", "randomSeed", 3, "use seed"),
    ("pulp:cbc", "import", "f", "not one that is passed on"),
    ("pulp:highs", "mip_heuristic_effort", 0.1, "CBC alone"),
    ("exhaustive", "depth", 1, "it has no native options"),
    ("ortools:cp-sat", "linearization_level", 1, "no native options are passed on to CP-SAT"),
]


@pytest.mark.parametrize(
    ("backend", "option", "value", "why"), REFUSED, ids=lambda value: str(value)[:32]
)
def test_what_is_not_honoured_is_refused_by_name(
    backend: str, option: str, value: NativeValue, why: str
) -> None:
    one = replace(EXACT, native={option: value})
    with pytest.raises(UnsupportedOption) as refused:
        run(backend, small(), one)
    assert why in str(refused.value)
    assert option in str(refused.value) or "native options" in str(refused.value)


@pytest.mark.parametrize("backend", ["ortools:highs", "ortools:scip", "pulp:cbc"])
def test_nothing_that_names_a_file_is_passed_on(backend: str, tmp_path: Path) -> None:
    """Words that solvers know for reading, writing and running, and any spelling of their paths."""
    target = str(tmp_path / "f")
    names = (
        *("log_file", "solution_file", "write_model_file", "write_presolved_model_file"),
        *("read_basis_file", "write_basis_file", "write_iis_model_file", "read_solution_file"),
        *("visual/vbcfilename", "visual/bakfilename", "branching/treeprofile/filename"),
        *("heuristics/../visual/vbcfilename", "concurrent/paramsetprefix", "export", "import"),
        *("solution", "saveSolution", "saveModel", "restoreModel", "printingOptions", "directory"),
        *("basisIn", "basisOut", "gsolu", "mipstart", "-solve", "presolve file", "stdin", "/", ""),
    )
    for name in names:
        for value in (target, f"{target} -solve", "f", 1, True):
            with pytest.raises(UnsupportedOption):
                run(backend, small(), replace(EXACT, native={name: value}))
    assert list(tmp_path.iterdir()) == []
    assert unusable(backend) is None


def test_the_rule_admits_no_text_but_listed_words() -> None:
    for allowed in (native.HIGHS, native.CBC):
        assert all(
            kind in (bool, int, float) or isinstance(kind, tuple) for kind in allowed.values()
        )
        words = [w for kind in allowed.values() if isinstance(kind, tuple) for w in kind]
        assert all(str(word).lstrip("-").isalnum() for word in words)
    for name in (*native.HIGHS, *native.CBC):
        assert native.owned(name) is None


@pytest.mark.parametrize("value", [None, [1], 1j, float("nan"), float("inf")])
def test_values_are_plain(value: object) -> None:
    with pytest.raises(ProblemError, match=r"options\.native"):
        SolveOptions(native={"presolve": value})  # type: ignore[dict-item]
    assert value is None or not isinstance(value, get_args(bool | int | str))


def test_the_options_are_the_callers_no_longer() -> None:
    mine: dict[str, NativeValue] = {"presolve": "off"}
    options = SolveOptions(native=mine)
    mine["presolve"] = "on"
    assert options.native == {"presolve": "off"}
    assert hash(options) == hash(SolveOptions())
    assert options != SolveOptions()


def test_a_plan_with_native_options_is_the_same_plan() -> None:
    problem = load_problem("example:two-workloads")
    plain = solve(problem)
    for backend, options in (
        ("ortools:highs", {"mip_heuristic_effort": 0.2}),
        ("ortools:scip", {"separating/maxrounds": 2}),
        ("pulp:cbc", {"gomoryCuts": "off"}),
    ):
        found = solve(problem, backend=backend, options=SolveOptions(native=options))
        assert found.usd_per_hour == pytest.approx(plain.usd_per_hour, rel=2e-6)
    with pytest.raises(UnsupportedOption, match="'nobody'"):
        solve(problem, options=SolveOptions(native={"nobody": 1}))
    off, chat = (
        SolveOptions(native={"presolve": "off"}),
        problem.replace(workloads=problem.workloads[:1]),
    )
    with pytest.raises(UnsupportedOption, match="want one program"):
        solve(chat, options=off, formulation="patterns")


def test_no_problem_brings_options() -> None:
    for key in ("native", "options"):
        with pytest.raises(ProblemError, match=f"{key}: is not a known field"):
            parse_problem({**SERVICE, key: {"presolve": "off"}})


def test_two_threads_of_highs_are_still_two() -> None:
    """The trial of an option must not fix another number of threads before the solve."""
    two = replace(EXACT, threads=2, native={"mip_heuristic_effort": 0.1})
    for options in (two, EXACT, two):
        assert run("ortools:highs", small(), options).objective == CANARIES[-1].optimum
    assert get_backend("ortools:highs").library in POOL._idle
