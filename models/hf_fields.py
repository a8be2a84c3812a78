"""Checked access to a Hugging Face config.json: it may come from strangers."""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Mapping

from .hf_families import FAMILIES, Flag
from .outcome import ProblemError

FILE = "config.json"
MAX_BYTES = 4 << 20
"""Real files stay under 100 kB."""
MAX_NUMBER = 10**9
MAX_LAYERS = 10_000

SPELLINGS = {
    "num_hidden_layers": ("n_layer", "n_layers", "num_layers"),
    "hidden_size": ("n_embd", "n_embed", "d_model"),
    "num_attention_heads": ("n_head", "n_heads"),
    "num_key_value_heads": ("num_kv_heads",),
    "intermediate_size": ("ffn_dim", "n_inner", "ffn_hidden_size"),
    "max_position_embeddings": ("n_positions", "max_seq_len", "seq_length"),
    "num_experts": ("num_local_experts", "n_routed_experts"),
    "num_experts_per_tok": ("experts_per_token",),
    "decoder_sparse_step": ("interleave_moe_layer_step",),
    "sliding_window": ("attention_chunk_size",),
    "shared_expert_intermediate_size": ("shared_intermediate_size",),
}
"""One name per fact, and what other families call it."""


class Fields:
    """The fields that describe the language part of a config.json.

    Attributes:
        family: rules of its `model_type`; Llama's when that is not known.
        known: whether the `model_type` has rules of its own.
    """

    def __init__(self, config: object) -> None:
        if not isinstance(config, Mapping):
            raise wrong("", config, "must be an object")
        text = config.get("text_config")
        if text is not None and not isinstance(text, Mapping):
            raise wrong("text_config", text, "must be an object")
        # The language part of a multimodal file, then what it shares with the rest.
        self._config: Mapping[str, object] = ChainMap(dict(text or {}), dict(config))
        self.model_type = self.text("model_type").removesuffix("_text")
        self.known = self.model_type in FAMILIES
        self.family = FAMILIES.get(self.model_type, FAMILIES["llama"])

    def find(self, name: str) -> object:
        """A field under any of its spellings, else the family's default; None when absent."""
        for key in (name, *SPELLINGS.get(name, ())):
            if (value := self._config.get(key)) is not None:
                return value
        return self.family.defaults.get(name)

    def whole(self, name: str, default: int | None = None, least: int = 1) -> int:
        """A whole number; required without a default."""
        most = MAX_LAYERS if name == "num_hidden_layers" else MAX_NUMBER
        rule = f"must be a whole number from {least} to {most}"
        value = self.find(name)
        if value is None and default is not None:
            return default
        if value is None:
            raise ProblemError(f"{FILE}: {name}", None, f"is required, and {rule}")
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise wrong(name, value, rule)
        return value

    def flag(self, name: Flag, default: bool = False) -> bool:
        """A yes or no: itself, or the field of that name."""
        if isinstance(name, bool):
            return name
        value = self.find(name)
        if value is not None and not isinstance(value, bool):
            raise wrong(name, value, "must be true or false")
        return default if value is None else value

    def text(self, name: str) -> str:
        """A text; empty when absent."""
        value = self._config.get(name)
        if value is not None and not isinstance(value, str):
            raise wrong(name, value, "must be a text")
        return value or ""

    def items(self, name: str) -> list[object] | None:
        """A list; None when absent."""
        value = self.find(name)
        if value is not None and not isinstance(value, list | tuple):
            raise wrong(name, value, "must be a list")
        return None if value is None else list(value)

    def section(self, name: str) -> Mapping[str, object]:
        """An object inside the file; empty when absent."""
        value = self.find(name)
        if value is not None and not isinstance(value, Mapping):
            raise wrong(name, value, "must be an object")
        return value or {}


def parse(content: bytes) -> object:
    """The JSON in a file, without NaN and without a key given twice.

    Raises:
        ProblemError: it is not that; names the line.
    """
    try:
        return json.loads(content, parse_constant=_no_constant, object_pairs_hook=_each_once)
    except ProblemError:
        raise
    except json.JSONDecodeError as error:
        raise ProblemError(FILE, None, f"is not JSON: line {error.lineno}: {error.msg}") from None
    except RecursionError:
        raise ProblemError(FILE, None, "is not a config: nested too deeply") from None
    except ValueError as error:  # bytes that are not text, or a number too long to convert
        raise ProblemError(FILE, None, f"is not JSON: {error}") from None


def _no_constant(text: str) -> object:
    raise ProblemError(FILE, text, "must hold finite numbers only")


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ProblemError(FILE, key, "must be there once")
        found[key] = value
    return found


def wrong(name: str, value: object, rule: str) -> ProblemError:
    """An error that names the field; values too large to print are only described."""
    if isinstance(value, int) and value.bit_length() > 64:
        value = f"an integer of {value.bit_length()} bits"
    elif not isinstance(value, bool | int | float | str):
        value = type(value).__name__
    return ProblemError(f"{FILE}: {name}" if name else FILE, value, rule)
