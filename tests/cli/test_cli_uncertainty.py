"""Confidence and percentiles on the screen and from flags."""

from __future__ import annotations

import json
from collections.abc import Callable
from subprocess import CompletedProcess

import pytest

from infersave import RequestClass, Workload, load_problem, solve
from infersave.cli.notes import prediction_notes
from infersave.cli.words import usd
from infersave.models.calibration import calibration_for

Run = Callable[..., CompletedProcess[str]]

CHAT = (
    *("recommend", "--architecture", "meta-llama/Llama-3.1-8B", "--provider", "aws"),
    *("--input-tokens", "512", "--output-tokens", "256", "--requests-per-s", "12"),
    *("--ttft-s", "0.5", "--tpot-s", "0.05"),
)


def test_a_percentile_from_flags(infersave: Run) -> None:
    loose = json.loads(infersave(*CHAT, "--json").stdout)
    done = infersave(*CHAT, "--percentile", "0.99", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    sure = json.loads(done.stdout)
    queue = sure["choices"][0]["assignments"][0]["queueing"]
    assert queue["percentile"] == 0.99
    assert queue["wait_s"] > 0
    assert loose["choices"][0]["assignments"][0]["queueing"] is None
    assert sure["choices"][0]["usd_per_hour"] >= loose["choices"][0]["usd_per_hour"]


def test_the_screen_says_how_long_requests_wait(infersave: Run) -> None:
    done = infersave(*CHAT, "--percentile", "0.99")
    said = " ".join(done.stdout.split())
    assert "TTFT holds for 99 % of the requests, arriving at random" in said
    assert "busy, wait" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--percentile", "99"), "--percentile = 99.0: should be less than 1"),
        (("--percentile", "0.9", "--engine", "static"), "--percentile = 0.9: needs engine"),
    ],
)
def test_a_percentile_that_cannot_be(infersave: Run, arguments: tuple[str, ...], said: str) -> None:
    done = infersave(*CHAT, *arguments)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())


def test_each_engine_s_margin_is_its_own() -> None:
    """The L4 has a calibration of its own under flexgen, with another spread."""
    problem = load_problem("example:paper-offline").replace(confidence=0.9)
    first = problem.workloads[0].replace(slo=problem.workloads[0].slo.replace(tokens_per_s=None))
    other = Workload(
        name="other",
        architecture=first.architecture,
        engine="static",
        requests=(RequestClass(input_tokens=64, output_tokens=64),),
        gpus_per_replica=(1,),
    )
    l4 = tuple(o for o in problem.offers if o.vm_type.gpu.name == "L4")
    problem = problem.replace(workloads=(first, other), offers=l4)
    factors = [
        calibration_for(problem.calibrations, "L4", engine).factor(0.9)
        for engine in (first.engine, "static")
    ]
    widened = problem.replace(
        calibrations=tuple(
            c.replace(decode_residual=1.0, decode_spread=None) if c.engine == "any" else c
            for c in problem.calibrations
        )
    )
    said = " ".join(prediction_notes(widened, solve(widened).assignments))
    assert f"{factors[0][0]:.2f} and {factors[0][1]:.2f} for L4 ({first.engine})" in said
    changed = calibration_for(widened.calibrations, "L4", "static").factor(0.9)
    assert changed != factors[1]
    assert f"{changed[0]:.2f} and {changed[1]:.2f} for L4 (static)" in said


def test_a_plan_says_what_its_margin_costs(infersave: Run) -> None:
    costs = {
        level: json.loads(
            infersave("plan", "example:two-workloads", "--confidence", level, "--json").stdout
        )["usd_per_hour"]
        for level in ("0.5", "0.9")
    }
    done = infersave("plan", "example:two-workloads", "--confidence", "0.9")
    said = " ".join(done.stdout.split())
    assert f"That margin costs USD {usd(costs['0.9'] - costs['0.5'])} per hour" in said
    assert f"on median times the fleet costs USD {usd(costs['0.5'])}" in said
    assert "That margin" not in infersave("plan", "example:two-workloads").stdout


def test_a_ranking_says_what_to_measure_first(infersave: Run) -> None:
    asked = json.loads(infersave(*CHAT, "--json").stdout)["measure"]
    said = " ".join(infersave(*CHAT).stdout.split())
    assert f"Worth measuring first: {asked['phase']} of Llama-3.1-8B on" in said
    assert f"{asked['vm_type']} would be best at USD {usd(asked['usd_per_hour'])}" in said
