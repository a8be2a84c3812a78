"""The benchmark scripts run, and print what the READMEs quote."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.checkout


def test_the_paper_beside_ours(capsys: pytest.CaptureFixture[str]) -> None:
    from infersave.benchmarks import paper

    assert f"{paper.saving():.1%}" == "73.7%"
    found = paper.shown(paper.choices(paper.workload(paper.OFFLINE, 100.0)))
    assert found == "g4dn.xlarge (152, 93% offload), g6.xlarge (686, 34% offload)"
    paper.main()
    assert "73.7% saved" in capsys.readouterr().out


def test_the_released_code_is_far_off() -> None:
    from infersave.benchmarks import paper

    ratios = [
        theirs / row.tokens_per_s
        for row in paper.measured()
        if (theirs := paper.released_tokens_per_s(row)) is not None
    ]
    assert min(ratios) == pytest.approx(0.13, abs=0.01)
    assert max(ratios) == pytest.approx(5.55, abs=0.05)


def test_the_whole_catalogue_is_ranked() -> None:
    from infersave import recommend
    from infersave.benchmarks import whole_catalogue

    found = recommend(whole_catalogue.problem_of("meta-llama/Llama-3.1-8B", "continuous"))
    assert len(found.choices) + len(found.rejected) > 500
    assert {c.provider for c in found.choices} >= {"aws", "gcp", "azure", "lambda", "runpod"}


def test_a_registered_fleet_is_planned_with_and_without_limits() -> None:
    from infersave import SolveOptions, solve
    from infersave.benchmarks import fleets

    options = SolveOptions(relative_gap=1e-3)
    problem = fleets.draw(12)
    assert problem == fleets.draw(12)
    free = solve(problem, options=options)
    limited = solve(fleets.limit(problem, usd_per_hour=1e6), options=options)
    assert free.gap is not None
    assert limited.limits
    assert len(limited.routes) >= len(problem.workloads)


def test_melange_is_never_cheaper() -> None:
    from infersave.benchmarks import melange

    instance, rate = melange.published_example()
    theirs, _, status = melange.melange(instance, rate, 10.0, slices=1)
    usd, _, ours = melange.ours(melange.problem_of(instance, rate))
    assert theirs == pytest.approx(6.70)
    assert (status, ours) == ("proved", "optimal")
    assert usd <= theirs
