"""Counted work against results worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from infersave.models.architecture import Architecture, LayerGroup
from infersave.models.calibration import FEATURES, Features, apply_ctcf
from infersave.models.engine import EngineName
from infersave.models.latency import LayerWork, head_work, layer_work, query_key_pairs
from infersave.models.load import Load
from infersave.models.phases import LayerTime, decode_phase, prefill_phase
from infersave.models.precision import PrecisionName
from infersave.models.replica import Replica
from infersave.models.shape import LayerLoad
from infersave.models.value import Real
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


def load(
    groups: LayerGroup = OPT_LAYER,
    precision: PrecisionName = "fp16",
    request: RequestClass = REQUEST,
    engine: EngineName = "static",
) -> Load:
    workload = Workload(
        name="w",
        architecture=OPT.replace(groups=(groups,)),
        engine=engine,
        requests_per_s=1.0,
        requests=(request,),
        precision=precision,
    )
    return Load.of(workload, request)


def work(on: Replica, new: float, context: float, asked: Load | None = None) -> LayerWork:
    asked = asked or load()
    return layer_work(asked, asked.shape.groups[0], on, new, context)


def features(
    on: Replica, batch: Real, new: float, context: float, asked: Load | None = None
) -> Features:
    return work(on, new, context, asked).features(batch)


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
        "prefill": (1.5, 1.0, 1e-4, 0.0, 1.0, 1e-5, 20.0, 1e-10),
        "decode": (1.2, 1.1, 2e-4, 1e-6, 1.0, 2e-5, 0.0, 1e-9),
    }
    return Replica(**{**values, **changes})  # type: ignore[arg-type]


def test_decode_step_of_opt_by_hand() -> None:
    """Batch 32 at 384 tokens: both parts wait for memory."""
    one = features(replica(), 32.0, 1.0, 384.0)
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
    one = features(replica(), 32.0, 1024.0, 1024.0)
    tokens = 32 * 1024
    pairs = 32 * 1024 * 1025 / 2  # causal
    assert one.linear_s == pytest.approx(2 * 78_676_480 * tokens / FLOPS)
    assert one.attention_s == pytest.approx(4 * 2560 * pairs / FLOPS)


def test_the_head_multiplies_one_token_per_sequence() -> None:
    light, heavy = (head_work(load(), replica()).features(b) for b in (1.0, 1000.0))
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
    layer = LayerLoad.of(group, "fp16")
    assert query_key_pairs(layer, new, context) == pytest.approx(pairs)


def test_a_window_bounds_what_decode_reads() -> None:
    group = OPT_LAYER.replace(attention="sliding", window_tokens=256)
    short, long, longer = (
        features(replica(), 8.0, 1.0, context, load(group)).attention_s
        for context in (128.0, 256.0, 4096.0)
    )
    assert long == pytest.approx(2 * short)
    assert longer == long


def test_experts_read_and_multiplied() -> None:
    experts = work(replica(), 1.0, 64.0, load(MOE_LAYER))
    for batch, params in (
        (1.0, 1000 + 2 * 500),
        (2.0, 1000 + 16 * 500 * (1 - (14 / 16) ** 2)),
        (50.0, 1000 + 16 * 500 * (1 - (14 / 16) ** 50)),
    ):
        assert experts.linear_s(batch) == pytest.approx(2 * params / BANDWIDTH)
    assert experts.linear_s(1e5) == pytest.approx(2 * (1000 + 2 * 500) * 1e5 / FLOPS)


def test_tensor_parallelism_divides_and_exchanges() -> None:
    alone, four = (features(replica(g), 32.0, 1.0, 384.0) for g in (1.0, 4.0))
    assert four.linear_s == pytest.approx(alone.linear_s / 4)
    assert four.attention_s == pytest.approx(alone.attention_s / 4)
    # Two ring all-reduces of 32 x 2560 16-bit numbers, 2 (g - 1) / g of them sent.
    assert four.exchange_s == pytest.approx(2 * 2 * 3 / 4 * 32 * 2560 * 2 / LINK)
    assert four.exchanges == 2.0
    assert (four.layers, four.sequences) == (alone.layers, alone.sequences)


def test_kv_heads_are_not_split() -> None:
    """Two KV heads on eight GPUs: each GPU reads one head, half of the cache."""
    group = OPT_LAYER.replace(kv_heads=2)
    alone, eight = (features(replica(g), 32.0, 1.0, 384.0, load(group)) for g in (1.0, 8.0))
    assert eight.attention_s == pytest.approx(alone.attention_s / 2)


def test_every_gpu_reads_the_whole_latent_cache() -> None:
    read = [
        features(replica(g), 1.0, 1.0, 4096.0, load(LATENT_LAYER)).attention_s for g in (1.0, 8.0)
    ]
    flops = 4 * 128 * 576 * 4096 / FLOPS
    cached = 4096 * 576 * 2 / BANDWIDTH
    assert read[0] == pytest.approx(max(flops, cached))
    assert read[1] == pytest.approx(max(flops / 8, cached))


def test_precision_changes_bytes_and_only_fp8_the_rate() -> None:
    def linear(precision: PrecisionName, batch: float) -> float:
        found = features(replica(), batch, 1.0, 10.0, load(precision=precision))
        return float(found.linear_s)

    assert linear("fp8", 1.0) == pytest.approx(linear("fp16", 1.0) / 2)
    assert linear("int8", 1.0) == pytest.approx(linear("fp16", 1.0) / 2)
    assert linear("fp8", 4096.0) == pytest.approx(linear("fp16", 4096.0) / 2)
    assert linear("int8", 4096.0) == pytest.approx(linear("fp16", 4096.0))


@pytest.mark.parametrize("n_gpus", [1.0, 4.0])
def test_time_never_falls_with_batch_or_context(n_gpus: float) -> None:
    batches = np.array([1.0, 2.0, 8.0, 64.0, 256.0])
    here = replica(n_gpus)
    before = np.zeros(len(batches))
    for tokens in (16, 128, 1024, 8192):
        asked = load(request=REQUEST.replace(input_tokens=tokens))
        prefill = prefill_phase(asked, here).at(batches).total_s((0.0,))
        decode = decode_phase(asked, here).at(batches).total_s((0.0,))
        assert np.all(np.diff(prefill) >= 0)
        assert np.all(np.diff(decode) >= 0)
        assert np.all(decode >= before)
        before = np.asarray(decode)


LAYERS = pytest.mark.parametrize(
    "group", [OPT_LAYER, MOE_LAYER, LATENT_LAYER], ids=["mha", "moe", "mla"]
)


@LAYERS
def test_arrays_equal_scalars_element_by_element(group: LayerGroup) -> None:
    asked = load(group, "fp8", engine="flexgen")
    singles = [replica(g) for g in (1.0, 2.0, 4.0, 8.0)]
    batches = np.array([1.0, 7.0, 64.0, 200.0])
    many = Replica.stack(singles)
    for new, context in ((1.0, 300.0), (128.0, 128.0)):
        together = features(many, batches, new, context, asked)
        for i, (one, batch) in enumerate(zip(singles, batches, strict=True)):
            alone = features(one, float(batch), new, context, asked)
            for name in FEATURES:
                value = np.broadcast_to(getattr(together, name), batches.shape)[i]
                assert value == pytest.approx(float(getattr(alone, name)), rel=1e-12), name
    whole = decode_phase(asked, many).at(batches).total_s((0.5,))
    for i, (one, batch) in enumerate(zip(singles, batches, strict=True)):
        alone_s = decode_phase(asked, one).at(float(batch)).total_s((0.5,))
        assert np.asarray(whole)[i] == pytest.approx(float(alone_s), rel=1e-12)


@LAYERS
@pytest.mark.parametrize("n_gpus", [1.0, 8.0])
def test_a_layers_time_is_ctcf_of_its_features(group: LayerGroup, n_gpus: float) -> None:
    here, asked = replica(n_gpus), load(group)
    counted = work(here, 1.0, 300.0, asked)
    for batch in (1.0, 30.0, 250.0):
        seconds = apply_ctcf(here.decode, counted.features(batch))
        assert LayerTime.of(here.decode, counted).at(batch) == pytest.approx(seconds, rel=1e-12)


@LAYERS
def test_resident_times_are_those_without_offload(group: LayerGroup) -> None:
    asked, batches = load(group), np.array([1.0, 7.0, 64.0, 200.0])
    many = Replica.stack([replica(g) for g in (1.0, 2.0, 4.0, 8.0)])
    for phase in (prefill_phase(asked, many), decode_phase(asked, many)):
        whole = phase.at(batches).total_s((0.0,))
        assert phase.resident_s(batches) == pytest.approx(whole, rel=1e-12)


def test_offloaded_kv_adds_in_series_or_hides_behind_compute() -> None:
    batch, fraction = 32.0, 0.5
    here = replica()
    serial = decode_phase(load(engine="flexgen"), here).at(batch)
    hidden = decode_phase(load(engine="static"), here).at(batch)
    kv = batch * (128 + 256) * 2 * HIDDEN * 2
    moved = fraction * kv / 6e9
    assert serial.transfer_s[0] == pytest.approx(kv / 6e9)
    assert serial.total_s((fraction,)) == pytest.approx(serial.total_s((0.0,)) + 32 * moved)
    longer = max(float(hidden.compute_s[0]), moved)
    assert hidden.total_s((fraction,)) == pytest.approx(float(hidden.head_s) + 32 * longer)
    prefill = prefill_phase(load(), here).at(batch)
    written = batch * 128 * 2 * HIDDEN * 2
    assert prefill.transfer_s[0] == pytest.approx(written / 5e9)
    slow = replace(here, d2h_bytes_per_s=1.0)
    waiting = prefill_phase(load(), slow).at(batch).total_s((1.0,))
    assert waiting == pytest.approx(float(prefill.head_s) + 32 * written)
