"""Proofs that are none: found by a search, or by another solver, and said so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import infersave
from infersave import FleetProblem, SolveOptions, Status, second_opinion, solve
from infersave.cli import main
from infersave.models.outcome import VerificationError
from infersave.solver import parts, refuting
from infersave.solver.backends import running
from infersave.solver.backends.base import Backend
from infersave.solver.backends.finish import Answer
from infersave.solver.program import Program, Solution
from infersave.solver.refuting import REFUTED, SEARCH
from infersave.solver.variables import Variables

HONEST = running._answer
FleetMaker = Callable[[int], FleetProblem]


def lie(backend: Backend, program: Program, options: SolveOptions) -> Answer:
    """HiGHS calls the first plan optimal."""
    if backend.name != "ortools:highs" or program.hint is None or not program.integer.any():
        return HONEST(backend, program, options)
    bound = float(np.dot(program.cost, program.hint))
    return Answer(Status.OPTIMAL, program.hint, bound)


def unsuspecting(variables: Variables, program: Program, claim: Solution, seed: int) -> Solution:
    return claim


@pytest.fixture
def problem() -> FleetProblem:
    """The first plan of it is not the best."""
    return infersave.load_problem("example:five-teams")


def test_a_search_refutes_a_false_proof(
    problem: FleetProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = solve(problem)
    monkeypatch.setattr(running, "_answer", lie)
    monkeypatch.setattr(refuting, "LEAST_S", 0.3)
    plan = solve(problem)
    assert (plan.status, plan.limit, plan.usd_per_hour_bound) == (Status.FEASIBLE, REFUTED, None)
    assert true.usd_per_hour <= plan.usd_per_hour
    (opinion,) = plan.opinions
    assert (opinion.backend, opinion.agrees) == (SEARCH, False)


def test_another_solver_refutes_a_false_proof(
    problem: FleetProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = solve(problem)
    monkeypatch.setattr(running, "_answer", lie)
    monkeypatch.setattr(parts, "refuted", unsuspecting)
    false = solve(problem)
    assert (false.status, false.gap) == (Status.OPTIMAL, 0.0)
    plan = second_opinion(problem, false, backend="ortools:scip")
    assert (plan.status, plan.limit, plan.usd_per_hour_bound) == (Status.FEASIBLE, REFUTED, None)
    assert plan.usd_per_hour == pytest.approx(true.usd_per_hour, rel=1e-9)
    assert [opinion.agrees for opinion in plan.opinions] == [False]
    with pytest.raises(VerificationError, match="second opinion"):
        infersave.verify(problem, false.replace(opinions=plan.opinions))


@pytest.mark.parametrize("seed", range(20))
def test_honest_solvers_agree(seed: int, random_fleet: FleetMaker) -> None:
    problem = random_fleet(seed)
    try:
        plan = solve(problem)
    except infersave.NoPlanError:
        return
    checked = second_opinion(problem, plan, backend="ortools:scip")
    assert [opinion.agrees for opinion in checked.opinions] == [True]
    assert checked.replace(opinions=()) == plan


def test_a_refutation_is_kept_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(running, "_answer", lie)
    monkeypatch.setattr(parts, "refuted", unsuspecting)
    assert main(["plan", "example:five-teams", "--second-opinion", "ortools:scip"]) == 0
    out, err = capsys.readouterr()
    assert "Second opinion: ortools:scip" in out
    assert "contradicts" in out
    (bundle,) = tmp_path.iterdir()
    assert bundle.name in err
    data = json.loads(bundle.read_text())
    assert data["versions"]["infersave"] == infersave.__version__
    again = infersave.parse_problem(data["problem"])
    assert again == infersave.load_problem("example:five-teams")
    assert data["plan"]["limit"] == REFUTED


def test_a_plan_from_anywhere_is_refuted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as lying:
        lying.setattr(running, "_answer", lie)
        lying.setattr(parts, "refuted", unsuspecting)
        false = solve(infersave.load_problem("example:five-teams"))
    plan = tmp_path / "plan.json"
    plan.write_text(false.model_dump_json())
    assert main(["verify", "example:five-teams", str(plan)]) == 0
    command = ["verify", "example:five-teams", str(plan), "--second-opinion", "ortools:scip"]
    assert main(command) == 1
    assert "contradicts" in capsys.readouterr().out
