"""Names of serving software in measurements: one spelling for each.

`engine` in a problem is how requests are batched (continuous, static); software is the program
that ran (vLLM, TensorRT-LLM). Columns of measurements called engine hold the latter.
"""

from __future__ import annotations

from ..models.calibration import ANY
from .records import Record

COLUMNS = ("software", "engine", "framework", "backend", "system")
NAMES = (
    *("vLLM", "SGLang", "TensorRT-LLM", "TGIS", "TGI", "FlexGen", "Helix", "llama.cpp"),
    *("DeepSpeed-MII", "DeepSpeed", "Splitwise", "sambaflow"),
)
OTHER = {"trtllm": "TensorRT-LLM", "tensorrtllm": "TensorRT-LLM", "trt-llm": "TensorRT-LLM"}
DISCIPLINES = ("continuous", "static", "flexgen", ANY)
OF_COLUMN = {
    "sum_new_tokens": "TGIS",
    "mean_ctx_tokens": "TGIS",
    "tokens_or_batch": "Helix",
    "prefill_p50_s": "Splitwise",
    "kv_offload_frac": "FlexGen",
}
"""Software behind files that do not say it, by a column that only they have (their README:
LLM-Pilot ran TGIS, Helix its own runtime, Splitwise an early vLLM of its own)."""


def software_name(record: Record) -> str:
    """The software of a row; `any` where nothing says it."""
    said = record.text(COLUMNS)
    if said.casefold() in DISCIPLINES:
        said = "FlexGen" if said.casefold() == "flexgen" else ""
    if not said:
        return next((name for column, name in OF_COLUMN.items() if record.has(column)), ANY)
    folded = {name.casefold(): name for name in NAMES} | OTHER
    plain = said.casefold().replace("_", "-")
    return folded.get(plain) or folded.get(plain.replace("-", "")) or said
