"""Rates at which live KV cache was seen to stream from host memory, in `data/kv_streams.csv`."""

from __future__ import annotations

from functools import lru_cache

from ..models.calibration import ANY
from .store import DATA
from .tables import rows


@lru_cache(maxsize=1)
def load_kv_streams() -> dict[str, float]:
    """GPU -> rate [bytes/s]; `any` for a GPU nobody streamed to."""
    table = rows(DATA / "kv_streams.csv", ("gpu", "bytes_per_s", "source", "note"), ())
    return {row.text("gpu"): row.real("bytes_per_s") for row in table}


def kv_stream_bytes_per_s(gpu: str) -> float:
    """The rate of a GPU, else the middle of those measured [bytes/s]."""
    known = load_kv_streams()
    return known.get(gpu, known[ANY])
