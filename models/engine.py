"""Serving engines: how they batch, what memory they keep, how they move KV cache.

An engine is a set of named, sourced parameters. The formulas that use them are in
`memory.py` (budget), `latency.py` (layers) and `timing.py` (requests).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

EngineName = Literal["continuous", "static", "flexgen"]
Streaming = Literal["none", "serial", "overlapped"]


@dataclass(frozen=True, slots=True)
class Engine:
    """Parameters of one engine.

    Attributes:
        continuous: new requests join a running batch; otherwise a batch starts and ends
            together.
        streaming: live KV in host memory read at every decode step: `none` (the engine
            cannot), `serial` (copy, then compute: the paper's eq. 6) or `overlapped`
            (the next layer is copied while this one computes).
        usable_memory: part of the GPU's memory the engine takes.
        activations_per_weight: activation memory as a part of the weights; None: counted
            from the tokens in flight.
        prefill_chunk_tokens: most prompt tokens in flight; None: the whole batch.
        score_bytes: bytes per attention score kept at prefill; 0: never materialised.
        score_margin: safety factor on those scores.
        max_batch: most sequences in a batch.
        offload_semantics: what "offload" means in a plan for this engine.
        source: where the parameters come from.
    """

    name: EngineName
    continuous: bool
    streaming: Streaming
    usable_memory: float
    activations_per_weight: float | None
    prefill_chunk_tokens: int | None
    score_bytes: float
    score_margin: float
    max_batch: int
    offload_semantics: str
    source: str

    @property
    def stage_buffers(self) -> int:
        """GPU buffers for one layer's offloaded KV: one in use, one more being filled."""
        return {"none": 0, "serial": 1, "overlapped": 2}[self.streaming]


_STREAMED = "live KV cache in host memory, streamed to the GPU at every decode step"

ENGINES: dict[str, Engine] = {
    engine.name: engine
    for engine in (
        Engine(
            name="flexgen",
            continuous=False,
            streaming="serial",
            usable_memory=0.87,
            activations_per_weight=0.15,
            prefill_chunk_tokens=None,
            score_bytes=4.0,
            score_margin=1.2,
            max_batch=256,
            offload_semantics=_STREAMED,
            source="memory: lass-lab/InferSave@466e654 Infersave_ver0.1.py; "
            "streaming: arXiv:2504.11816 eqs. 5-6",
        ),
        Engine(
            name="static",
            continuous=False,
            streaming="overlapped",
            usable_memory=0.92,
            activations_per_weight=None,
            prefill_chunk_tokens=None,
            score_bytes=0.0,
            score_margin=1.0,
            max_batch=256,
            offload_semantics=_STREAMED,
            source="fused attention (arXiv:2205.14135) keeps no scores; usable memory as vLLM; "
            "prefetch of the next layer as FlexGen's overlap (arXiv:2303.06865)",
        ),
        Engine(
            name="continuous",
            continuous=True,
            streaming="none",
            usable_memory=0.92,
            activations_per_weight=None,
            prefill_chunk_tokens=8192,
            score_bytes=0.0,
            score_margin=1.0,
            max_batch=256,
            offload_semantics="none: the engine keeps all live KV cache in GPU memory",
            source="vLLM 0.33: gpu-memory-utilization 0.92; max-num-batched-tokens raised to "
            "8192 when serving",
        ),
    )
}
"""By name. `max_batch` 256 is the largest batch of the measurements behind the shipped
calibrations; beyond it the time model would extrapolate."""
