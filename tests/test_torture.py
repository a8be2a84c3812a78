"""The searches of `make torture`, each in short, and that they can find something."""

from __future__ import annotations

import numpy as np
import pytest

from infersave import SolveOptions, Status
from infersave.solver.backends import running
from infersave.solver.backends.base import Backend
from infersave.solver.backends.finish import Answer
from infersave.solver.program import Program

SEEDS = {part: range(1000, 1003) for part in ("solvers", "medium", "lies", "explain")}
SEEDS["fuzz"] = range(1000, 1500)

pytestmark = pytest.mark.checkout


@pytest.mark.parametrize("part", ["solvers", "medium", "lies", "explain", "fuzz"])
def test_a_few_of_each(part: str) -> None:
    from infersave.benchmarks import torture

    tried = [torture.PARTS[part][0](seed) for seed in SEEDS[part]]
    assert [each.wrong for each in tried] == [()] * len(tried)
    assert any(each.count for each in tried)


@pytest.mark.parametrize("part", ["solvers", "medium"])
def test_a_backend_that_calls_any_plan_optimal_is_found(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from infersave.benchmarks import torture

    honest = running._answer

    def lie(backend: Backend, program: Program, options: SolveOptions) -> Answer:
        if backend.name != "pulp:cbc" or program.hint is None:
            return honest(backend, program, options)
        bound = float(np.dot(program.cost, program.hint))
        return Answer(Status.OPTIMAL, program.hint, bound)

    monkeypatch.setattr(running, "_answer", lie)
    tried = [torture.PARTS[part][0](seed) for seed in range(40 if part == "solvers" else 6)]
    assert any(each.wrong for each in tried)


@pytest.mark.parametrize("seed", [389])
def test_what_the_search_has_found(seed: int) -> None:
    """389: CBC, given a first plan, called one optimal that was 10 % too dear."""
    from infersave.benchmarks import torture

    assert torture.solvers(seed).wrong == ()
