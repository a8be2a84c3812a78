"""How many bytes a number takes, and at which rate matrices of it multiply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PrecisionName = Literal["fp16", "bf16", "fp8", "int8", "int4", "mxfp4", "nvfp4"]
KVPrecisionName = Literal["fp16", "fp8"]


@dataclass(frozen=True, slots=True)
class Precision:
    """Storage and arithmetic of the weights.

    Attributes:
        weight_bytes: bytes per parameter, scales included [bytes].
        fp8_compute: whether GPUs with an FP8 rate multiply at it; others, and every
            format with False, expand to 16 bits first and multiply at the FP16 rate.
    """

    weight_bytes: float
    fp8_compute: bool = False


PRECISIONS: dict[str, Precision] = {
    "fp16": Precision(2.0),
    "bf16": Precision(2.0),
    "fp8": Precision(1.0, fp8_compute=True),
    "int8": Precision(1.0),
    # 4-bit integers in groups of 128 with a 16-bit scale and a 4-bit zero (GPTQ, AWQ).
    "int4": Precision((4 + (16 + 4) / 128) / 8),
    # OCP Microscaling v1.0: blocks of 32 four-bit floats share an 8-bit scale.
    "mxfp4": Precision((4 + 8 / 32) / 8),
    # NVIDIA's: blocks of 16 share an 8-bit scale. Catalogues hold no FP4 rate: FP8's stands in.
    "nvfp4": Precision((4 + 8 / 16) / 8, fp8_compute=True),
}
"""Weights of the layers. Embeddings and the output head stay at `EMBEDDING_BYTES`."""

KV_BYTES: dict[str, float] = {"fp16": 2.0, "fp8": 1.0}
"""Bytes per cached number."""

EMBEDDING_BYTES = 2.0
"""Quantised checkpoints leave embeddings and the output head in 16 bits."""

ACTIVATION_BYTES = 2.0
"""Activations and what tensor parallelism exchanges are 16-bit in every engine here."""
