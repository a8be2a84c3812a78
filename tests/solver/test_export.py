"""The exported program, read back by readers that share nothing with the writer."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infersave import FleetProblem, InfeasibleError, export_program, load_problem, solve
from infersave.solver.backends.writing import Format
from infersave.solver.canonical import canonical
from infersave.solver.dominance import without_dominated
from infersave.solver.estate import survey
from infersave.solver.formulation import formulate
from infersave.solver.program import Program, SolveOptions

FleetMaker = Callable[[int], FleetProblem]
KINDS = (
    *(
        r"VMs of \S+ here reserved$",
        r"VMs of .* in period 1$",
        r"VMs of .* started at the start of",
    ),
    *(
        r"replicas of w",
        r"blocks of 2 replicas of w",
        r"part of w. lost",
        r"1 if w. has blocks of 2",
    ),
    *(r"part of request class 1 of ", r"1 if w. uses cloud:", r"1 if w. runs on \d VMs? of"),
)
"""Of columns, by what is said of them."""
FORMATS: tuple[Format, ...] = ("mps", "lp")
EXAMPLES = ("two-workloads", "day", "estate", "mixed-lengths")
"""Jobs, a horizon, quotas with zones and spot, classes that share replicas."""

# In a child: PuLP loads a highspy that is installed, and no solver is loaded here.
CBC = """
import subprocess, sys, pulp
done = subprocess.run(
    [pulp.PULP_CBC_CMD.pulp_cbc_path, sys.argv[1], "ratio", "0", "solve", "solution", sys.argv[2]],
    capture_output=True, text=True, check=True)
print(open(sys.argv[2]).readline())
"""
PULP = """
import json, math, sys, pulp
columns, problem = pulp.LpProblem.fromMPS(sys.argv[1])
told = {
    "sense": problem.sense,
    "cost": {column.name: cost for column, cost in problem.objective.items()},
    "bounds": {n: [c.lowBound, c.upBound, c.cat] for n, c in columns.items()},
    "rows": {n: [r.sense, -r.constant, {c.name: a for c, a in r.items()}]
             for n, r in problem.constraints.items()},
}
print(json.dumps(told))
"""


def child(source: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", source, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def written(problem: FleetProblem, form: Format, folder: Path) -> Path:
    path = folder / f"program.{form}"
    path.write_text(export_program(problem, format=form).text, encoding="ascii")
    return path


def program_of(problem: FleetProblem) -> Program:
    estate = survey(canonical(problem), "ortools:highs", SolveOptions())
    return formulate(without_dominated(estate), "candidates")[0]


@pytest.mark.parametrize(
    ("example", "form"),
    [*((example, "mps") for example in EXAMPLES), ("two-workloads", "lp"), ("estate", "lp")],
)
def test_another_solver_finds_the_same_optimum(example: str, form: Format, tmp_path: Path) -> None:
    problem = load_problem(f"example:{example}")
    path = written(problem, form, tmp_path)
    said = child(CBC, str(path), str(tmp_path / "solution"))
    status, _, value = said.partition(" - objective value ")
    assert status == "Optimal"
    assert float(value) == pytest.approx(solve(problem).usd_per_hour, rel=2e-6)


@pytest.mark.parametrize("example", EXAMPLES)
def test_another_reader_finds_every_number(example: str, tmp_path: Path) -> None:
    problem = load_problem(f"example:{example}")
    program = program_of(problem)
    told = json.loads(child(PULP, str(written(problem, "mps", tmp_path))))
    number = {name: j for j, name in enumerate(told["bounds"])}
    assert list(number) == [f"c{j + 1:04d}" for j in range(program.n_columns)]
    assert told["sense"] == 1
    usd = program.cost / program.usd_scale
    for name, j in number.items():
        low, high, kind = told["bounds"][name]
        assert kind == ("Integer" if program.integer[j] else "Continuous")
        assert (low, high) == (program.lower[j], program.upper[j])
        assert told["cost"].get(name, 0.0) == pytest.approx(usd[j], rel=1e-14, abs=0)
    for i in range(program.n_rows):
        part = slice(program.indptr[i], program.indptr[i + 1])
        pairs = zip(program.indices[part].tolist(), program.data[part].tolist(), strict=True)
        entries = {f"c{j + 1:04d}": a for j, a in pairs if a}
        sense, side, found = told["rows"].pop(f"r{i + 1:04d}", (0, 0.0, {}))
        assert found == pytest.approx(entries, rel=1e-14, abs=0)
        if not entries:  # PuLP leaves such a row out
            assert program.row_lower[i] <= 0.0 <= program.row_upper[i]
            continue
        if sense >= 0:
            assert side == pytest.approx(program.row_lower[i], rel=1e-14, abs=0)
        if sense <= 0:
            assert side == pytest.approx(program.row_upper[i], rel=1e-14, abs=0)
    assert told["rows"] == {}


def test_every_column_has_a_meaning_of_its_own(limited_fleet: FleetMaker) -> None:
    seen: set[str] = set()
    for seed in range(40):
        problem = limited_fleet(seed)
        try:
            found = export_program(problem)
        except InfeasibleError:
            continue
        said = [column.meaning for column in found.columns]
        assert len(set(said)) == len(said)
        named = {column.name for column in found.columns}
        assert set(re.findall(r"\bc\d{4}\b", found.text)) == named
        seen |= {what for what in KINDS for text in said if re.match(what, text)}
    assert seen == set(KINDS)


def test_what_a_column_costs_is_what_its_meaning_costs() -> None:
    problem = load_problem("example:two-workloads")
    prices = {
        f"VMs of {o.vm_type.key} {o.region} {o.purchase}": o.usd_per_hour for o in problem.offers
    }
    text = export_program(problem, format="lp").text
    objective = text.partition("obj:")[2].partition("\nst\n")[0]
    costs = {name: float(usd) for usd, name in re.findall(r"\+(\S+) (c\d+)", objective)}
    vms = [c for c in export_program(problem).columns if c.meaning.startswith("VMs of ")]
    assert len(vms) > 10
    assert all(costs[c.name] == pytest.approx(prices[c.meaning], rel=1e-14) for c in vms)


def test_no_name_of_the_problem_gets_into_the_file() -> None:
    problem = load_problem("example:two-workloads")
    hostile = problem.workloads[0].replace(name="RHS (c0001 @ -9)")
    renamed = problem.replace(workloads=(hostile, *problem.workloads[1:]))
    for form in FORMATS:
        found = export_program(renamed, format=form)
        assert found.text == export_program(problem, format=form).text
        assert any(" of RHS (c0001 @ -9) on " in column.meaning for column in found.columns)


def test_what_cannot_be_served_has_no_program() -> None:
    problem = load_problem("example:two-workloads")
    chat = problem.workloads[0]
    impossible = chat.replace(slo=chat.slo.replace(tpot_s=1e-9))
    with pytest.raises(InfeasibleError):
        export_program(problem.replace(workloads=(impossible,)))
