"""The LLM's shape: groups of identical layers, and what one layer weighs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from .outcome import ProblemError
from .precision import PrecisionName
from .value import Count, Name, NonNegative, Value, WholeNumber

Attention = Literal["full", "sliding", "latent", "none"]


class LayerGroup(Value):
    """`count` identical layers.

    Attributes:
        attention: `full` (MHA, GQA, MQA), `sliding` (the last `window_tokens` only),
            `latent` (MLA: one compressed vector per token), or `none` (state-space or
            linear attention: no KV cache that grows with the context).
        shared_params: parameters every token passes through: attention projections,
            norms, biases, router, dense or shared feed-forward.
        expert_params: parameters of ONE routed expert; 0 for a dense layer.
        n_experts: routed experts in the layer.
        experts_per_token: routed experts a token visits.
        kv_values_per_token: numbers cached per token (2 * kv_heads * head_dim for GQA;
            rank + rotary dimension for MLA).
        kv_heads: heads the KV cache can be divided over by tensor parallelism
            (1 for MLA, whose cache every GPU holds whole).
        state_values: numbers kept per sequence whatever its length.
        score_flops: FLOPs of attention per (query, key) pair: 4 * heads * head_dim.
        query_heads: heads of the score matrix.
        ffn_width: widest feed-forward activation per token (gate and up counted once each).
    """

    count: Count
    attention: Attention = "full"
    shared_params: WholeNumber
    expert_params: WholeNumber = 0
    n_experts: WholeNumber = 0
    experts_per_token: WholeNumber = 0
    kv_values_per_token: WholeNumber
    kv_heads: Count = 1
    window_tokens: Count | None = None
    state_values: WholeNumber = 0
    score_flops: NonNegative
    query_heads: WholeNumber
    ffn_width: WholeNumber

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.experts_per_token > self.n_experts:
            rule = f"must be at most n_experts, {self.n_experts}"
            raise ProblemError("experts_per_token", self.experts_per_token, rule)
        if (self.attention == "sliding") != (self.window_tokens is not None):
            rule = "must be given for sliding attention, and for no other"
            raise ProblemError("window_tokens", self.window_tokens, rule)
        if self.attention == "none" and self.kv_values_per_token:
            rule = "must be 0 without attention"
            raise ProblemError("kv_values_per_token", self.kv_values_per_token, rule)
        return self

    @property
    def params(self) -> int:
        """Parameters of one layer."""
        return self.shared_params + self.n_experts * self.expert_params

    @property
    def active_params(self) -> int:
        """Parameters of one layer that one token passes through."""
        return self.shared_params + self.experts_per_token * self.expert_params


class Architecture(Value):
    """An LLM's shape, enough to weigh it and to count its work.

    Attributes:
        hidden_size: width of the residual stream.
        embedding_params: input embedding (and learned positions), looked up, not multiplied.
        head_params: output projection that every decoded token multiplies; equal to the
            input embedding when `tied`, and then stored once.
        tied: whether head and input embedding are the same tensor.
        heads: attention heads that tensor parallelism must divide.
        max_context_tokens: longest context the LLM was trained for; None when unbounded.
        native_precision: the precision its published weights have.
        source: where the shape comes from.
    """

    name: Name
    groups: tuple[LayerGroup, ...] = Field(min_length=1)
    hidden_size: Count
    vocabulary: Count
    embedding_params: WholeNumber
    head_params: WholeNumber
    other_params: WholeNumber = 0
    tied: bool
    heads: Count
    max_context_tokens: Count | None = None
    native_precision: PrecisionName = "fp16"
    source: str = ""

    def splits_over(self, n_gpus: int) -> bool:
        """Whether tensor parallelism can divide it over so many GPUs.

        Query heads must divide, and KV heads must divide or be copied whole (vLLM,
        Megatron-LM); the compressed KV of MLA is held whole by every GPU.
        """
        kv_heads = {g.kv_heads for g in self.groups if g.attention in ("full", "sliding")}
        return self.heads % n_gpus == 0 and all(
            heads % n_gpus == 0 or n_gpus % heads == 0 for heads in kv_heads
        )

    @property
    def n_layers(self) -> int:
        """Layers in all groups."""
        return sum(group.count for group in self.groups)

    @property
    def params(self) -> int:
        """All parameters, a tied head counted once."""
        layers = sum(group.count * group.params for group in self.groups)
        head = 0 if self.tied else self.head_params
        return layers + self.embedding_params + head + self.other_params

    @classmethod
    def from_hf_config(
        cls, config: str | os.PathLike[str] | Mapping[str, object], name: str = ""
    ) -> Architecture:
        """The shape that a Hugging Face `config.json` describes.

        Args:
            config: the file, a folder that holds it, or its parsed content. A
                `hf_quant_config.json` beside it is not read.
            name: name of the architecture; by default `_name_or_path` of the content,
                else the name of the file's folder.

        Raises:
            ProblemError: the file cannot be read, is not JSON, or lacks what is needed.
        """
        from .hf_config import architecture_from_config, default_name
        from .hf_fields import FILE, MAX_BYTES, parse

        folder, source = "", ""
        content: object = config
        if isinstance(config, str | os.PathLike):
            # The only place in models/ that opens a file, and only one that the caller names.
            path = Path(config)
            try:
                path = path / FILE if path.is_dir() else path
                if not path.is_file():  # a pipe or a device would block
                    raise FileNotFoundError
                with path.open("rb") as stream:
                    data = stream.read(MAX_BYTES + 1)
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or "there is no such file"
                raise ProblemError(FILE, os.fspath(config), f"cannot be read: {reason}") from None
            if len(data) > MAX_BYTES:
                raise ProblemError(FILE, os.fspath(config), f"must be at most {MAX_BYTES} bytes")
            folder, source, content = path.absolute().parent.name, FILE, parse(data)
        if not isinstance(content, Mapping):
            raise ProblemError(FILE, type(content).__name__, "must be an object")
        return architecture_from_config(content, name or default_name(content, folder), source)
