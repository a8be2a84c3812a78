"""Counted work against results worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from infersave.models.architecture import Architecture, LayerGroup
from infersave.models.calibration import FEATURES
from infersave.models.engine import ENGINES
from infersave.models.latency import (
    decode_times,
    head_features,
    layer_features,
    params_read,
    prefill_times,
    query_key_pairs,
)
from infersave.models.precision import PrecisionName
from infersave.models.replica import Replica
from infersave.models.workload import RequestClass, Workload

FLOPS, BANDWIDTH, LINK = 65e12, 320e9, 6e9  # a T4

# OPT-2.7B: 32 layers of width 2560: 12 h^2 weights, 9 h biases, 4 h of layer norms.
HIDDEN = 2560
OPT_LAYER = LayerGroup(
    count=32,
    shared_params=12 * HIDDEN**2 + 13 * HIDDEN,
    kv_values_per_token=2 * HIDDEN,
    kv_heads=32,
    score_flops=4.0 * HIDDEN,
    query_heads=32,
    ffn_width=4 * HIDDEN,
)
OPT = Architecture(
    name="opt-2.7b by hand",
    groups=(OPT_LAYER,),
    hidden_size=HIDDEN,
    vocabulary=50272,
    embedding_params=50272 * HIDDEN,
    head_params=50272 * HIDDEN,
    tied=True,
    heads=32,
)
MOE_LAYER = LayerGroup(
    count=4,
    shared_params=1000,
    expert_params=500,
    n_experts=16,
    experts_per_token=2,
    kv_values_per_token=64,
    score_flops=128.0,
    query_heads=4,
    ffn_width=64,
)
LATENT_LAYER = OPT_LAYER.replace(
    attention="latent", kv_values_per_token=576, kv_heads=1, score_flops=4.0 * 128 * 576
)
REQUEST = RequestClass(input_tokens=128, output_tokens=512)


def workload(architecture: Architecture = OPT, precision: PrecisionName = "fp16") -> Workload:
    return Workload(
        name="w",
        architecture=architecture,
        requests_per_s=1.0,
        requests=(REQUEST,),
        precision=precision,
    )


def replica(n_gpus: float = 1.0, **changes: object) -> Replica:
    values: dict[str, object] = {
        "n_gpus": n_gpus,
        "memory_bytes": 16e9,
        "flops_per_s": FLOPS,
        "fp8_flops_per_s": 2 * FLOPS,
        "memory_bytes_per_s": BANDWIDTH,
        "host_memory_bytes": 16e9,
        "h2d_bytes_per_s": 6e9,
        "d2h_bytes_per_s": 5e9,
        "gpu_link_bytes_per_s": LINK,
        "prefill": (1.5, 1.0, 1e-4, 0.0, 1.0, 1e-5),
        "decode": (1.2, 1.1, 2e-4, 1e-6, 1.0, 2e-5),
    }
    return Replica(**{**values, **changes})  # type: ignore[arg-type]


def test_decode_step_of_opt_by_hand() -> None:
    """Batch 32 at 384 tokens: both parts wait for memory."""
    one = layer_features(workload(), OPT_LAYER, replica(), 32.0, 1.0, 384.0)
    weights = 2 * 78_676_480
    keys_and_values = 32 * 384 * 2 * 2560 * 2
    assert one.linear_s == pytest.approx(weights / BANDWIDTH)
    assert one.linear_s == pytest.approx(491.7e-6, rel=1e-3)
    assert one.attention_s == pytest.approx(keys_and_values / BANDWIDTH)
    assert one.attention_s == pytest.approx(393.2e-6, rel=1e-3)
    assert (one.layers, one.sequences) == (1.0, 32.0)
    assert (one.exchange_s, one.exchanges) == (0.0, 0.0)


def test_prefill_of_opt_by_hand() -> None:
    """32 prompts of 1,024 tokens: both parts wait for the arithmetic."""
    one = layer_features(workload(), OPT_LAYER, replica(), 32.0, 1024.0, 1024.0)
    tokens = 32 * 1024
    pairs = 32 * 1024 * 1025 / 2  # causal
    assert one.linear_s == pytest.approx(2 * 78_676_480 * tokens / FLOPS)
    assert one.attention_s == pytest.approx(4 * 2560 * pairs / FLOPS)


def test_the_head_multiplies_one_token_per_sequence() -> None:
    light, heavy = (head_features(OPT, replica(), b) for b in (1.0, 1000.0))
    assert light.linear_s == pytest.approx(2 * 50272 * HIDDEN / BANDWIDTH)
    assert heavy.linear_s == pytest.approx(2 * 50272 * HIDDEN * 1000 / FLOPS)
    assert (light.attention_s, light.layers, light.sequences) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("window", "new", "context", "pairs"),
    [
        (None, 4, 4, 1 + 2 + 3 + 4),
        (None, 4, 10, 7 + 8 + 9 + 10),
        (None, 1, 100, 100),
        (4, 10, 10, 1 + 2 + 3 + 4 * 7),
        (8, 4, 10, 7 + 8 + 8 + 8),
        (4, 1, 100, 4),
        (4, 1, 3, 3),
    ],
)
def test_pairs_are_causal_and_inside_the_window(
    window: int | None, new: float, context: float, pairs: float
) -> None:
    kind = "full" if window is None else "sliding"
    group = OPT_LAYER.replace(attention=kind, window_tokens=window)
    assert query_key_pairs(group, new, context) == pytest.approx(pairs)


def test_a_window_bounds_what_decode_reads() -> None:
    group = OPT_LAYER.replace(attention="sliding", window_tokens=256)
    short, long, longer = (
        layer_features(workload(), group, replica(), 8.0, 1.0, context).attention_s
        for context in (128.0, 256.0, 4096.0)
    )
    assert long == pytest.approx(2 * short)
    assert longer == long


def test_experts_read_and_multiplied() -> None:
    assert params_read(MOE_LAYER, 1.0) == pytest.approx(1000 + 2 * 500)
    two = 1000 + 16 * 500 * (1 - (14 / 16) ** 2)
    assert params_read(MOE_LAYER, 2.0) == pytest.approx(two)
    assert params_read(MOE_LAYER, 1e6) == pytest.approx(1000 + 16 * 500)
    architecture = OPT.replace(groups=(MOE_LAYER,))
    few = layer_features(workload(architecture), MOE_LAYER, replica(), 2.0, 1.0, 64.0)
    assert few.linear_s == pytest.approx(2 * two / BANDWIDTH)
    many = layer_features(workload(architecture), MOE_LAYER, replica(), 1e5, 1.0, 64.0)
    assert many.linear_s == pytest.approx(2 * (1000 + 2 * 500) * 1e5 / FLOPS)


def test_tensor_parallelism_divides_and_exchanges() -> None:
    alone, four = (
        layer_features(workload(), OPT_LAYER, replica(g), 32.0, 1.0, 384.0) for g in (1.0, 4.0)
    )
    assert four.linear_s == pytest.approx(alone.linear_s / 4)
    assert four.attention_s == pytest.approx(alone.attention_s / 4)
    # Two ring all-reduces of 32 x 2560 16-bit numbers, 2 (g - 1) / g of them sent.
    assert four.exchange_s == pytest.approx(2 * 2 * 3 / 4 * 32 * 2560 * 2 / LINK)
    assert four.exchanges == 2.0
    assert (four.layers, four.sequences) == (alone.layers, alone.sequences)


def test_kv_heads_are_not_split() -> None:
    """Two KV heads on eight GPUs: each GPU reads one head, half of the cache."""
    group = OPT_LAYER.replace(kv_heads=2)
    alone, eight = (
        layer_features(workload(), group, replica(g), 32.0, 1.0, 384.0) for g in (1.0, 8.0)
    )
    assert eight.attention_s == pytest.approx(alone.attention_s / 2)


def test_every_gpu_reads_the_whole_latent_cache() -> None:
    read = [
        layer_features(workload(), LATENT_LAYER, replica(g), 1.0, 1.0, 4096.0).attention_s
        for g in (1.0, 8.0)
    ]
    flops = 4 * 128 * 576 * 4096 / FLOPS
    cached = 4096 * 576 * 2 / BANDWIDTH
    assert read[0] == pytest.approx(max(flops, cached))
    assert read[1] == pytest.approx(max(flops / 8, cached))


def test_precision_changes_bytes_and_only_fp8_the_rate() -> None:
    def linear(precision: PrecisionName, batch: float) -> float:
        found = layer_features(workload(OPT, precision), OPT_LAYER, replica(), batch, 1.0, 10.0)
        return float(found.linear_s)

    assert linear("fp8", 1.0) == pytest.approx(linear("fp16", 1.0) / 2)
    assert linear("int8", 1.0) == pytest.approx(linear("fp16", 1.0) / 2)
    assert linear("fp8", 4096.0) == pytest.approx(linear("fp16", 4096.0) / 2)
    assert linear("int8", 4096.0) == pytest.approx(linear("fp16", 4096.0))


@pytest.mark.parametrize("n_gpus", [1.0, 4.0])
def test_time_never_falls_with_batch_or_context(n_gpus: float) -> None:
    batches = np.array([1.0, 2.0, 8.0, 64.0, 256.0])
    engine = ENGINES["static"]
    here = replica(n_gpus)
    before = np.zeros(len(batches))
    for tokens in (16, 128, 1024, 8192):
        request = REQUEST.replace(input_tokens=tokens)
        prefill = prefill_times(workload(), request, here, batches).total_s((0.0,))
        decode = decode_times(workload(), request, here, batches, engine).total_s((0.0,))
        assert np.all(np.diff(prefill) >= 0)
        assert np.all(np.diff(decode) >= 0)
        assert np.all(decode >= before)
        before = np.asarray(decode)


@pytest.mark.parametrize("group", [OPT_LAYER, MOE_LAYER, LATENT_LAYER], ids=["mha", "moe", "mla"])
def test_arrays_equal_scalars_element_by_element(group: LayerGroup) -> None:
    shape = workload(OPT.replace(groups=(group,)), "fp8")
    engine = ENGINES["flexgen"]
    singles = [replica(g) for g in (1.0, 2.0, 4.0, 8.0)]
    batches = np.array([1.0, 7.0, 64.0, 200.0])
    many = Replica.stack(singles)
    for new, context in ((1.0, 300.0), (128.0, 128.0)):
        together = layer_features(shape, group, many, batches, new, context)
        for i, (one, batch) in enumerate(zip(singles, batches, strict=True)):
            alone = layer_features(shape, group, one, float(batch), new, context)
            for name in FEATURES:
                value = np.broadcast_to(getattr(together, name), batches.shape)[i]
                assert value == pytest.approx(float(getattr(alone, name)), rel=1e-12), name
    whole = decode_times(shape, REQUEST, many, batches, engine).total_s((0.5,))
    for i, (one, batch) in enumerate(zip(singles, batches, strict=True)):
        alone_s = decode_times(shape, REQUEST, one, float(batch), engine).total_s((0.5,))
        assert np.asarray(whole)[i] == pytest.approx(float(alone_s), rel=1e-12)


def test_offloaded_kv_adds_in_series_or_hides_behind_compute() -> None:
    batch, fraction = 32.0, 0.5
    here = replica()
    serial = decode_times(workload(), REQUEST, here, batch, ENGINES["flexgen"])
    hidden = decode_times(workload(), REQUEST, here, batch, ENGINES["static"])
    kv = batch * (128 + 256) * 2 * HIDDEN * 2
    moved = fraction * kv / 6e9
    assert serial.transfer_s[0] == pytest.approx(kv / 6e9)
    assert serial.total_s((fraction,)) == pytest.approx(serial.total_s((0.0,)) + 32 * moved)
    longer = max(float(hidden.compute_s[0]), moved)
    assert hidden.total_s((fraction,)) == pytest.approx(float(hidden.head_s) + 32 * longer)
    prefill = prefill_times(workload(), REQUEST, here, batch)
    written = batch * 128 * 2 * HIDDEN * 2
    assert prefill.transfer_s[0] == pytest.approx(written / 5e9)
    slow = replace(here, d2h_bytes_per_s=1.0)
    waiting = prefill_times(workload(), REQUEST, slow, batch).total_s((1.0,))
    assert waiting == pytest.approx(float(prefill.head_s) + 32 * written)
