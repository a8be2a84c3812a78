"""A Hugging Face config.json as an Architecture, exact in its parameter counts.

Each rule follows the modelling code that it cites, in Hugging Face transformers 5.23.
Only the language model is counted: no vision or audio tower, no multi-token prediction
head, no buffers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from .architecture import Architecture
from .hf_fields import FILE, Fields, wrong
from .hf_layers import layer_group, norm_params
from .outcome import ProblemError
from .precision import PrecisionName
from .value import Name

NAME: TypeAdapter[str] = TypeAdapter(Name)

KINDS = {
    "full_attention": "full",
    "attention": "full",
    "sliding_attention": "sliding",
    "chunked_attention": "sliding",  # never more than a chunk, so the window is a bound
    "linear_attention": "linear",
    "mamba": "mamba",
}
"""What the entries of `layer_types` mean here."""

RECURRENT = (
    *("attn_layer_indices", "attn_layer_period", "hybrid_override_pattern", "layers_block_type"),
    *("mamba_d_state", "ssm_cfg", "ssm_state_size", "state_size"),
)
"""Fields that only LLMs with state-space layers have: `layer_types` must say which."""

FOREIGN = (
    *("block_configs", "compress_ratios", "global_head_dim", "hybrid_layer_pattern"),
    *("index_topk", "num_kv_shared_layers"),
)
"""Fields by which layers differ, or attend, in a way that no rule here knows: a guess would
be wrong."""

ENCODERS = (
    *("albert", "bert", "camembert", "clip", "deberta", "deberta-v2", "distilbert", "electra"),
    *("modernbert", "mpnet", "roberta", "siglip", "vit", "xlm-roberta"),
)
"""Model types that only encode, though their fields look like a decoder's."""

IMPLIED_BITS = {"fp8": 8, "fbgemm_fp8": 8, "mxfp4": 4}
PRECISIONS: dict[tuple[str, int], PrecisionName] = {
    ("fp8", 8): "fp8",
    ("fbgemm_fp8", 8): "fp8",
    ("mxfp4", 4): "mxfp4",
    ("awq", 4): "int4",
    ("gptq", 4): "int4",
    ("gptq", 8): "int8",
    ("bitsandbytes", 4): "int4",
    ("bitsandbytes", 8): "int8",
    ("int", 4): "int4",
    ("int", 8): "int8",
    ("float", 8): "fp8",
}
"""Quantisation method, or number type of compressed-tensors, and bits."""


def architecture_from_config(
    config: Mapping[str, object], name: str, source: str = ""
) -> Architecture:
    """The shape that a parsed config.json describes.

    A `model_type` without rules of its own is read as Llama's, or as DeepSeek's when it has
    their fields, and `source` then says so: check its parameter count.

    Raises:
        ProblemError: a field is missing, of the wrong type or out of range.

    >>> architecture_from_config({"model_type": "opt", "num_hidden_layers": 12,
    ...     "hidden_size": 768, "num_attention_heads": 12, "ffn_dim": 3072,
    ...     "vocab_size": 50272, "max_position_embeddings": 2048}, "opt-125m").params
    125239296
    """
    fields = Fields(config)
    if fields.flag("is_encoder_decoder"):
        raise wrong("is_encoder_decoder", True, "must be false: LLMs are decoders here")
    if fields.model_type in ENCODERS:
        raise wrong("model_type", fields.model_type, "must be a decoder: this one writes no text")
    if not fields.known:
        for foreign in FOREIGN:
            if fields.find(foreign) is not None:
                rule = f"has no rules here, nor has model_type {fields.model_type!r:.40}"
                raise ProblemError(f"{FILE}: {foreign}", None, rule)
        note = f"read by general rules, not knowing model_type {fields.model_type!r:.40}"
        source = f"{source}; {note}" if source else note
    layers = Counter(zip(_kinds(fields), _routed(fields), strict=True))
    hidden, vocabulary = fields.whole("hidden_size"), fields.whole("vocab_size")
    # facebook/opt-350m embeds in fewer dimensions, with a projection in and one out.
    embedded = fields.whole("word_embed_proj_dim", hidden)
    projections = 2 * embedded * hidden if embedded != hidden else 0
    context = fields.whole("max_position_embeddings", 0)
    extra = fields.family.extra_positions
    positions = 0 if extra is None else (fields.whole("max_position_embeddings") + extra) * hidden
    return Architecture(
        name=name,
        groups=tuple(layer_group(fields, *layer, count) for layer, count in layers.items()),
        hidden_size=hidden,
        vocabulary=vocabulary,
        embedding_params=vocabulary * embedded + positions,
        head_params=vocabulary * (embedded + fields.family.head_bias),
        other_params=projections + norm_params(fields) * _outer_norms(fields),
        tied=fields.flag("tie_word_embeddings"),
        heads=fields.whole("num_attention_heads"),
        max_context_tokens=context or None,
        native_precision=_precision(fields.section("quantization_config")),
        source=source,
    )


def default_name(config: Mapping[str, object], folder: str) -> str:
    """The first of what the file calls itself, its folder and its family that is a name."""
    for candidate in (config.get("_name_or_path"), folder, config.get("model_type")):
        try:
            return NAME.validate_python(candidate)
        except ValidationError:
            continue
    return "unnamed"


def _kinds(fields: Fields) -> list[str]:
    """What mixes the tokens in each layer.

    Where `layer_types` is absent, every n-th layer is full in Gemma 2 and 3, gpt-oss,
    Llama 4 (`sliding_window_pattern`) and Qwen3-Next (`full_attention_interval`); from
    layer `max_window_layers` on all slide in Qwen2, and from the first in Mistral.
    """
    count = fields.whole("num_hidden_layers")
    if (listed := fields.items("layer_types")) is not None:
        if len(listed) != count:
            raise wrong("layer_types", len(listed), f"must list num_hidden_layers = {count}")
        for index, kind in enumerate(listed):
            if not isinstance(kind, str) or kind not in KINDS:
                rule = f"must be one of {', '.join(KINDS)}"
                raise wrong(f"layer_types[{index}]", kind, rule)
        return [KINDS[str(kind)] for kind in listed]
    for recurrent in RECURRENT:
        if fields.find(recurrent) is not None:
            raise ProblemError(f"{FILE}: layer_types", None, f"is required beside {recurrent}")
    if interval := fields.whole("full_attention_interval", 0):
        return ["linear" if (i + 1) % interval else "full" for i in range(count)]
    slides = fields.family.sliding and fields.flag("use_sliding_window", True)
    if not slides or not fields.whole("sliding_window", 0):
        return ["full"] * count
    # Without a period no layer is a multiple of it.
    period = fields.whole("sliding_window_pattern", count + 1)
    first = fields.whole("max_window_layers", 0, least=0)
    return ["sliding" if i >= first and (i + 1) % period else "full" for i in range(count)]


def _routed(fields: Fields) -> list[bool]:
    """Whether each layer routes to experts (modeling_deepseek_v3, modeling_qwen2_moe)."""
    count = fields.whole("num_hidden_layers")
    if not fields.whole("num_experts", 0, least=0):
        return [False] * count
    first = fields.whole("first_k_dense_replace", 0, least=0)
    step = fields.whole("decoder_sparse_step", 1)
    dense = set()
    for index, layer in enumerate(fields.items("mlp_only_layers") or ()):
        if isinstance(layer, bool) or not isinstance(layer, int):
            raise wrong(f"mlp_only_layers[{index}]", layer, "must be the number of a layer")
        dense.add(layer)
    return [i >= first and (i + 1) % step == 0 and i not in dense for i in range(count)]


def _outer_norms(fields: Fields) -> int:
    """Norms outside the layers; modeling_opt has no last one behind post-norm layers."""
    last = fields.model_type != "opt" or (
        fields.flag("do_layer_norm_before") and not fields.flag("_remove_final_layer_norm")
    )
    return last + fields.family.embedding_norm


def _precision(quantization: Mapping[str, object]) -> PrecisionName:
    """The precision of the published weights; 16 bits unless the file says otherwise."""
    if not quantization:
        return "fp16"
    method, bits = quantization.get("quant_method"), quantization.get("bits")
    if (algorithm := quantization.get("quant_algo")) is not None:  # ModelOpt's; it decides
        method, bits = (algorithm, 0) if algorithm != "FP8" else ("float", 8)
    elif method == "compressed-tensors":
        groups = quantization.get("config_groups")
        first = next(iter(groups.values()), None) if isinstance(groups, Mapping) else None
        weights = first.get("weights") if isinstance(first, Mapping) else None
        if isinstance(weights, Mapping):
            method, bits = weights.get("type"), weights.get("num_bits")
    elif method == "bitsandbytes":
        bits = 4 if quantization.get("load_in_4bit") is True else 8
    elif isinstance(method, str):
        bits = IMPLIED_BITS.get(method, bits)
    for (known, width), precision in PRECISIONS.items():
        if method == known and bits == width:
            return precision
    rule = "must be FP8, MXFP4, AWQ, GPTQ, bitsandbytes or compressed-tensors of 4 or 8 bits"
    raise wrong("quantization_config", method, f"{rule}; leave it out to plan without")
