"""Service metrics, run times and bills, against hand results."""

from __future__ import annotations

import math

import pytest

from infersave import WHOLE_HOURS, Billing, RequestClass
from infersave.models.billing import billed_vm_hours, paper_cost_efficiency, paper_usd
from infersave.models.engine import ENGINES
from infersave.models.jobs import job_run_s
from infersave.models.timing import prefill_batch, timing

REQUEST = RequestClass(input_tokens=100, output_tokens=11)


def test_static_batches() -> None:
    forms = timing(ENGINES["static"], REQUEST, 4.0)
    assert forms.ttft.of(2.0, 0.5) == 2.0
    assert forms.tpot.of(2.0, 0.5) == 0.5
    assert forms.e2e.of(2.0, 0.5) == 7.0
    assert forms.work.of(2.0, 0.5) == 7.0 / 4


def test_continuous_batching_conserves_time() -> None:
    """b slots, each busy for a request's decoding, pass as many requests as work allows."""
    batch, prefill_s, decode_s = 8.0, 0.03, 0.02
    forms = timing(ENGINES["continuous"], REQUEST, batch)
    per_slot = 10 * forms.tpot.of(prefill_s, decode_s)
    assert batch / per_slot == pytest.approx(1 / forms.work.of(prefill_s, decode_s))
    assert forms.e2e.of(prefill_s, decode_s) == pytest.approx(
        forms.ttft.of(prefill_s, decode_s) + per_slot
    )


@pytest.mark.parametrize("engine", ["static", "continuous"])
def test_one_output_token_is_prefill_alone(engine: str) -> None:
    forms = timing(ENGINES[engine], RequestClass(input_tokens=9, output_tokens=1), 4.0)
    assert forms.ttft.of(2.0, 0.5) == forms.e2e.of(2.0, 0.5) == 2.0
    assert forms.tpot.of(2.0, 0.5) == 0.0
    assert forms.work.of(2.0, 0.5) == 0.5  # four prompts share the pass


def test_prompts_that_enter_together_share_a_pass() -> None:
    short, long = (RequestClass(input_tokens=i, output_tokens=9) for i in (10, 5000))
    for request, prompts in ((short, 4.0), (long, 8192 / 5000)):
        assert prefill_batch(ENGINES["continuous"], request, 32.0) == prompts
    few = RequestClass(input_tokens=10, output_tokens=1000)
    assert prefill_batch(ENGINES["continuous"], few, 32.0) == 1.0
    assert prefill_batch(ENGINES["static"], few, 32.0) == 32.0


def test_static_job_runs_in_whole_rounds() -> None:
    forms = timing(ENGINES["static"], REQUEST, 4.0)
    whole = forms.e2e.of(2.0, 0.5)
    for requests, replicas, rounds in ((1, 1, 1), (4, 1, 1), (5, 1, 2), (40, 3, 4), (40, 100, 1)):
        run_s = job_run_s(ENGINES["static"], forms, requests, 4.0, replicas, 2.0, 0.5)
        assert run_s == rounds * whole


def test_continuous_job_drains() -> None:
    forms = timing(ENGINES["continuous"], REQUEST, 4.0)
    run_s = job_run_s(ENGINES["continuous"], forms, 1000, 4.0, 2, 0.1, 0.02)
    work, whole = forms.work.of(0.1, 0.02), forms.e2e.of(0.1, 0.02)
    assert run_s == pytest.approx(1000 * work / 2 + whole)


@pytest.mark.parametrize(
    ("run_s", "per_second", "whole_hours"),
    [(1.0, 60.0, 3600.0), (60.0, 60.0, 3600.0), (60.2, 61.0, 3600.0), (3600.0, 3600.0, 3600.0)],
)
def test_billed_time(run_s: float, per_second: float, whole_hours: float) -> None:
    assert Billing().billed_s(run_s) == per_second
    assert WHOLE_HOURS.billed_s(run_s) == whole_hours


def test_a_run_of_exact_quanta_is_not_billed_one_more() -> None:
    billing = Billing(quantum_s=0.1, minimum_s=0.0)
    for count in range(1, 2000):
        assert math.isclose(float(billing.billed_s(count * 0.1)), count * 0.1, rel_tol=1e-12)


def test_vm_hours() -> None:
    assert billed_vm_hours(3, 1800.0, Billing()) == 1.5
    assert billed_vm_hours(3, 1800.0, WHOLE_HOURS) == 3.0


def test_the_papers_metric_is_price_order() -> None:
    """Every VM that holds the SLO has the same effective throughput, so price decides."""
    tokens, slo = 1_152_000.0, 100.0
    fast = paper_cost_efficiency(2.699, tokens, 7600.0, slo)
    slow = paper_cost_efficiency(0.71, tokens, 160.0, slo)
    assert slow / fast == pytest.approx(2.699 / 0.71)
    assert paper_usd(2.699, tokens, 7600.0, slo) == pytest.approx(4 * 2.699)
