"""`infersave explain`: what would have to give, in the user's units."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from infersave import Change, load_problem
from infersave.cli.change_words import change_in_words

Run = Callable[..., CompletedProcess[str]]

TIGHT = """
catalog: {provider: aws, regions: [us-east-1], purchase: [on_demand]}
budget: {usd_per_hour: 2}
workloads:
  - name: chat
    architecture: meta-llama/Llama-3.1-8B
    requests_per_s: 12
    requests: [{input_tokens: 512, output_tokens: 256}]
    slo: {ttft_s: 1.0, tpot_s: 0.05}
"""


@pytest.fixture
def tight(folder: Path) -> str:
    (folder / "tight.yaml").write_text(TIGHT, encoding="utf-8")
    return "tight.yaml"


def test_each_line_is_a_change_with_its_cost(infersave: Run, tight: str) -> None:
    data = json.loads(infersave("explain", tight, "--json").stdout)
    assert data["status"] == "infeasible"
    assert data["complete"]
    assert {change["field"] for way in data["relaxations"] for change in way["changes"]} >= {
        "budget.usd_per_hour",
        "workloads[0].requests_per_s",
    }
    done = infersave("explain", tight)
    assert (done.returncode, done.stderr) == (0, "")
    said = " ".join(done.stdout.split())
    budget = next(w for w in data["relaxations"] if w["changes"][0]["field"].startswith("budget"))
    assert f"budget: 2.000 -> {budget['changes'][0]['now']:.3f} USD/h" in said
    assert "chat: serve" in said
    assert "% of its demand (12 -> " in said


def test_where_there_is_a_plan_it_says_why(infersave: Run) -> None:
    done = infersave("explain", "example:two-workloads")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("USD 5.809 per hour, proved optimal")
    assert "chat: TPOT 49.7 ms of 50.0 ms (0.5 % left)" in done.stdout
    assert "5.916      0.107  1 x g5.xlarge, 1 x g7e.2xlarge, 1 x p5en.48xlarge" in done.stdout
    assert "- p5en.48xlarge: USD 0.107 per hour dearer with any replica on it" in done.stdout
    assert "more lines about VM types that lost: --all shows them" in done.stdout
    every = infersave("explain", "example:two-workloads", "--all", "--alternatives", "0")
    assert "weights and activations need 5.0 GiB per GPU" in every.stdout
    assert "next-best" not in every.stdout


def test_why_as_json(infersave: Run) -> None:
    data = json.loads(infersave("explain", "example:two-workloads", "--json").stdout)
    assert (data["status"], data["complete"]) == ("feasible", True)
    assert data["plan"]["status"] == "optimal"
    losers = {loser["vm_type"]: loser for loser in data["losers"]}
    assert losers["p5en.48xlarge"]["dearer_usd_per_hour"] == pytest.approx(0.10725, abs=1e-5)
    assert not {vm["vm_type"] for vm in data["plan"]["vms"]} & set(losers)


@pytest.mark.parametrize(
    ("field", "was", "now", "said"),
    [
        ("workloads[0].slo.tpot_s", 0.02, 0.027, "chat: TPOT 20.0 ms -> 27.0 ms"),
        ("workloads[0].slo.ttft_s", 0.02, None, "chat: TTFT 20.0 ms -> any"),
        ("workloads[0].slo.tokens_per_s", 400.0, 93.8, "chat: 400 -> 93.8 tokens/s"),
        ("workloads[0].slo.confidence", 0.9, 0.5, "chat: confidence 90 % -> 50 %"),
        ("workloads[0].job.deadline_s", 3600.0, 7200.0, "chat: deadline 60.0 min -> 2.00 h"),
        ("workloads[0].offload", False, True, "chat: KV cache in host memory"),
        ("workloads[0].survive.vm", 1.0, 0.5, "chat: left after the loss of a VM: 100 % -> 50 %"),
        ("workloads[0].max_spot_share", 0.0, 0.4, "chat: max spot share 0 % -> 40 %"),
        ("quotas[1].limit", 1.0, 3.0, "quota chat: 1 -> 3 gpus"),
    ],
)
def test_changes_in_words(field: str, was: object, now: object, said: str) -> None:
    change = Change(field=field, subject="chat", was=was, now=now)
    assert change_in_words(load_problem("example:estate"), change) == said
