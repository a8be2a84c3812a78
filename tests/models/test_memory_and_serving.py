"""Memory by hand, and many candidates at once equal to one at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from infersave import (
    Architecture,
    Deployment,
    FleetProblem,
    LayerGroup,
    OffloadSchedule,
    RequestClass,
    Workload,
    evaluate,
)
from infersave.models.calibration import calibration_for
from infersave.models.memory import (
    MemoryBudget,
    gpu_bytes,
    host_bytes,
    kv_sequence_bytes,
    kv_shard,
    least_uniform_offload,
    weight_bytes,
)
from infersave.models.shape import LayerLoad
from infersave.solver.candidates import enumerate_streams


def group(**changes: object) -> LayerGroup:
    base = LayerGroup(
        count=10,
        shared_params=100,
        kv_values_per_token=2 * 8 * 128,
        kv_heads=8,
        score_flops=1,
        query_heads=8,
        ffn_width=1,
    )
    return base.replace(**changes)


def small_llm() -> Architecture:
    return Architecture(
        name="llm",
        groups=(group(),),
        hidden_size=4,
        vocabulary=10,
        embedding_params=40,
        head_params=40,
        tied=True,
        heads=8,
    )


def budget(*kv: float, usable: float = 100.0, host: float = 1e9) -> MemoryBudget:
    counts = tuple(4 for _ in kv)
    return MemoryBudget(usable, 20.0, 10.0, kv, counts, 2.0, host)


def test_weights_by_precision() -> None:
    assert weight_bytes(small_llm(), "fp16") == 2 * (10 * 100 + 40)
    assert weight_bytes(small_llm(), "fp8") == 10 * 100 + 2 * 40
    assert weight_bytes(small_llm(), "mxfp4") == 10 * 100 * 4.25 / 8 + 2 * 40


def test_kv_of_heads_windows_and_mla() -> None:
    per_token = 2 * 8 * 128 * 2
    full, half = LayerLoad.of(group(), "fp16"), LayerLoad.of(group(), "fp8")
    window = LayerLoad.of(group(attention="sliding", window_tokens=64), "fp16")
    latent = LayerLoad.of(group(kv_heads=1, attention="latent"), "fp16")
    assert kv_sequence_bytes(full, 1, 100) == 100 * per_token
    assert kv_sequence_bytes(half, 4, 100) == 100 * per_token / 2 / 4
    assert kv_sequence_bytes(window, 1, 100) == 64 * per_token
    assert kv_shard(full, 16) == 1 / 8  # more GPUs than heads: heads are copied
    assert kv_shard(latent, 8) == 1.0


def test_least_uniform_offload_fills_the_memory_exactly() -> None:
    tight = budget(20.0, 10.0)  # 120 bytes of KV cache, 70 free
    for buffers in (0, 1, 2):
        fraction = float(least_uniform_offload(tight, buffers))
        assert 0 < fraction < 1
        assert gpu_bytes(tight, (fraction, fraction), buffers) == pytest.approx(100.0)
    assert host_bytes(tight, (0.5, 0.0)) == 2 * 4 * 0.5 * 20


def test_nothing_is_offloaded_when_all_fits() -> None:
    assert float(least_uniform_offload(budget(5.0, 5.0), 2)) == 0.0


def test_offload_cannot_help_when_buffers_eat_it() -> None:
    single = MemoryBudget(100.0, 20.0, 10.0, (80.0,), (1,), 1.0, 1e9)
    assert float(least_uniform_offload(single, 2)) == np.inf


@pytest.mark.parametrize("seed", range(500, 530))
def test_arrays_equal_one_at_a_time(seed: int, random_fleet: Callable[[int], FleetProblem]) -> None:
    problem = random_fleet(seed)
    for stream in enumerate_streams(problem):
        for k in stream.useful():
            vm_type = stream.machines.vm_types[stream.machines.type_of[k]]
            workload = stream.workload
            alone = evaluate(
                workload,
                stream.request,
                vm_type,
                calibration_for(problem.calibrations, vm_type.gpu.name, workload.engine),
                Deployment(
                    provider=vm_type.provider,
                    vm_type=vm_type.name,
                    n_gpus=int(stream.machines.n_gpus[k]),
                    batch=int(stream.trial.batch[k]),
                    offload=OffloadSchedule.of(workload.architecture, stream.schedule(k)),
                ),
            )
            assert alone.prefill_s == pytest.approx(stream.prefill_s[k], rel=1e-12)
            assert alone.decode_step_s == pytest.approx(stream.decode_s[k], rel=1e-12)
            assert 1 / alone.requests_per_s == pytest.approx(stream.work_s[k], rel=1e-12)
            assert alone.gpu_bytes <= alone.gpu_limit_bytes * (1 + 1e-12)
            assert alone.host_bytes <= alone.host_limit_bytes * (1 + 1e-12)


def test_schedule_speaks_of_every_layer() -> None:
    schedule = OffloadSchedule(fractions=(0.5, 0.0), layers=(2, 3))
    assert schedule.per_layer() == (0.5, 0.5, 0.0, 0.0, 0.0)


def test_shares_of_classes_must_add_up() -> None:
    with pytest.raises(ValueError, match="add up to 1"):
        Workload(
            name="w",
            architecture=small_llm(),
            requests=(RequestClass(input_tokens=1, output_tokens=1, share=0.9),),
        )
