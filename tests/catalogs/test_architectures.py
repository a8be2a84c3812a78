"""The catalogue of LLM shapes against counts that others have published."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from infersave.catalogs import architecture_names, load_architecture
from infersave.catalogs.architectures import FILE
from infersave.models.architecture import Architecture
from infersave.models.outcome import CatalogError, ProblemError

CONTENT = tomllib.loads(FILE.read_text(encoding="utf-8"))
TABLES = CONTENT["architectures"]
PUBLISHED = [
    (name, table["published_params"])
    for name, table in TABLES.items()
    if "published_params" in table
]
KIB = 1024


def kv_bytes_per_token(name: str) -> int:
    """In 16 bits, of all layers, as if no window had filled."""
    groups = load_architecture(name).groups
    return 2 * sum(group.count * group.kv_values_per_token for group in groups)


def active_params(architecture: Architecture) -> int:
    """What a token passes through, embedding and head included."""
    experts = sum(g.count * (g.params - g.active_params) for g in architecture.groups)
    return architecture.params - experts


@pytest.mark.parametrize("name", TABLES)
def test_every_architecture_loads_and_has_a_source(name: str) -> None:
    architecture = load_architecture(name)
    table = TABLES[name]
    assert architecture.name == name
    assert architecture.params > 10**8
    assert architecture.max_context_tokens
    assert architecture.source == f"{table['source']}, {table['date']}", "of a known family"


@pytest.mark.parametrize(("name", "params"), PUBLISHED, ids=[name for name, _ in PUBLISHED])
def test_published_parameter_counts(name: str, params: int) -> None:
    assert load_architecture(name).params == params


def test_enough_is_catalogued() -> None:
    assert len(architecture_names()) >= 45
    assert len(PUBLISHED) >= 60
    assert set(architecture_names()) == set(TABLES)
    assert list(architecture_names()) == sorted(TABLES, key=str.casefold)


def test_names_are_told_apart_without_case() -> None:
    names = [*TABLES, *CONTENT["aliases"]]
    assert len({name.casefold() for name in names}) == len(names)
    assert set(CONTENT["aliases"].values()) <= set(TABLES)
    bases = {table["like"] for table in TABLES.values() if "like" in table}
    assert all("like" not in TABLES[base] for base in bases), "one step only"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("facebook/opt-13b", 800 * KIB),
        ("facebook/opt-2.7b", 320 * KIB),
        ("meta-llama/Llama-2-7b-hf", 512 * KIB),
        ("meta-llama/Llama-2-70b-hf", 320 * KIB),
        ("meta-llama/Llama-3.1-8B", 128 * KIB),
        ("mistralai/Mixtral-8x7B-v0.1", 128 * KIB),
        ("Qwen/Qwen2.5-7B", 56 * KIB),
        ("Qwen/Qwen3-30B-A3B", 96 * KIB),
        ("openai/gpt-oss-120b", 72 * KIB),
        ("bigcode/starcoder", 20 * KIB),
        ("tiiuae/falcon-7b", 8 * KIB),
        ("bigscience/bloom", 4_014_080),
        ("deepseek-ai/DeepSeek-V3", 61 * 576 * 2),
    ],
)
def test_kv_cache_per_token(name: str, expected: int) -> None:
    assert kv_bytes_per_token(name) == expected


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("mistralai/Mixtral-8x7B-v0.1", 12.9),
        ("mistralai/Mixtral-8x22B-v0.1", 39.2),
        ("Qwen/Qwen3-30B-A3B", 3.35),
        ("Qwen/Qwen3-235B-A22B", 22.2),
        ("deepseek-ai/DeepSeek-V3", 37.5),
        ("openai/gpt-oss-120b", 5.71),
        ("meta-llama/Llama-3.1-8B", 8.03),
    ],
)
def test_active_parameters(name: str, billions: float) -> None:
    assert active_params(load_architecture(name)) == pytest.approx(billions * 1e9, rel=0.01)


@pytest.mark.parametrize(
    ("name", "window", "sliding", "full"),
    [
        ("mistralai/Mistral-7B-v0.1", 4096, 32, 0),
        ("google/gemma-2-9b", 4096, 21, 21),
        ("google/gemma-3-27b-it", 1024, 52, 10),
        ("openai/gpt-oss-20b", 128, 12, 12),
        ("openai/gpt-oss-120b", 128, 18, 18),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", 8192, 36, 12),
        ("Qwen/Qwen3-8B", None, 0, 36),
        ("mistralai/Mistral-7B-v0.3", None, 0, 32),
    ],
)
def test_windows_of_known_llms(name: str, window: int | None, sliding: int, full: int) -> None:
    groups = load_architecture(name).groups
    assert sum(g.count for g in groups if g.attention == "full") == full
    slides = [g for g in groups if g.attention == "sliding"]
    assert sum(g.count for g in slides) == sliding
    assert {g.window_tokens for g in slides} <= {window}


def test_native_precisions() -> None:
    precisions = {name: load_architecture(name).native_precision for name in TABLES}
    assert precisions["deepseek-ai/DeepSeek-R1"] == "fp8"
    assert precisions["openai/gpt-oss-20b"] == "mxfp4"
    assert precisions["Qwen/Qwen3-235B-A22B-FP8"] == "fp8"
    assert precisions["facebook/opt-13b"] == "fp16"


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("opt-2.7b", "facebook/opt-2.7b"),
        ("llama-7b", "huggyllama/llama-7b"),
        ("llama2-70b", "meta-llama/Llama-2-70b-hf"),
        ("LLAMA-3.1-8B", "meta-llama/Llama-3.1-8B"),
        ("bloom-176b", "bigscience/bloom"),
        ("META-LLAMA/llama-3.1-8b", "meta-llama/Llama-3.1-8B"),
    ],
)
def test_short_names_in_any_case(alias: str, name: str) -> None:
    assert load_architecture(alias) == load_architecture(name)


def test_a_full_identifier_keeps_its_name() -> None:
    """It goes into deployment files, and a base model is not its instruct variant."""
    instruct = load_architecture("meta-llama/llama-3.1-8b-instruct")
    base = load_architecture("meta-llama/Llama-3.1-8B")
    assert instruct.name == "meta-llama/Llama-3.1-8B-Instruct"
    assert instruct.groups == base.groups


def test_like_overrides_what_differs() -> None:
    base, instruct = (load_architecture(f"Qwen/Qwen2.5-7B{x}") for x in ("", "-Instruct"))
    assert base.groups == instruct.groups
    assert (base.max_context_tokens, instruct.max_context_tokens) == (131_072, 32_768)


def test_an_architecture_is_built_once() -> None:
    assert load_architecture("facebook/opt-13b") is load_architecture("Facebook/OPT-13b")


@pytest.mark.parametrize("name", ["opt-13", "", "no/such-llm", "a\0b", "x" * 5000])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(CatalogError, match="unknown architecture"):
        load_architecture(name)


def test_unknown_names_offer_near_ones() -> None:
    with pytest.raises(CatalogError, match="opt-13b"):
        load_architecture("opt-13")


def test_a_folder_without_a_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="cannot be read"):
        load_architecture(str(tmp_path))


def test_own_config_file_or_folder(tmp_path: Path) -> None:
    fields = {k: v for k, v in TABLES["facebook/opt-125m"].items() if k not in ("source", "date")}
    folder = tmp_path / "own-llm"
    folder.mkdir()
    file = folder / "config.json"
    file.write_text(json.dumps(fields), encoding="utf-8")
    assert load_architecture(str(folder)).params == 125_239_296
    assert load_architecture(str(file)).name == "own-llm"
    file.write_text(json.dumps({**fields, "num_hidden_layers": 24}), encoding="utf-8")
    assert load_architecture(str(file)).n_layers == 24, "read again"
    with pytest.raises(ProblemError, match="cannot be read"):
        load_architecture(str(tmp_path / "absent.json"))
