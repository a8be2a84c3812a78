"""Names in measurements: GPUs, LLMs and ways of splitting them, resolved to what is known."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from ..models.architecture import Architecture
from ..models.hardware import GPU
from ..models.outcome import CatalogError, ProblemError, UnknownNameError
from .architectures import load_architecture
from .catalog import ALIASES
from .readers import read_aliases
from .records import Record
from .store import DATA, load_gpus, load_vm_types
from .tables import rows

GPU_COLUMNS = ("gpu",)
N_GPUS = ("n_gpus", "tensor_parallel", "tensor_parallel_size", "tp_size", "tp")
MODEL = ("model", "architecture", "model_id")
MOST_GPUS = 4096
COPIES = ", data-parallel attention"
APART = ", expert-parallel"
"""Ways of splitting a model that change its speed: part of the software's name."""


def parallelism(record: Record) -> tuple[int, str]:
    """GPUs of one replica, and how it is split where that is not plain tensor parallelism.

    Some files of mixture-of-experts runs state the degree as the product of two splits of
    the SAME GPUs: 64 for experts over 8 and tensors over 8. The same runs also appear with
    the degree spelled out, which is how that was found.
    """
    stated = int(record.number_of(N_GPUS, MOST_GPUS, 1.0))

    def degree(column: str) -> int:
        try:
            return max(1, int(float(record.cells.get(column, 1))))
        except (TypeError, ValueError, OverflowError):
            raise record.broken(column, record.cells[column], "must be a number") from None

    copies, across, apart = (degree(c) for c in ("attention_dp_size", "moe_tp_size", "moe_ep_size"))
    gpus = stated
    if across > 1 and apart > 1 and stated * copies == across * apart:
        gpus = max(across, apart)
    elif copies > 1 and stated > 1 and stated * copies == apart:
        gpus = stated
    elif copies > 1:
        gpus = stated * copies
    elif stated < across * apart:
        gpus = across * apart
    if copies > 1:
        return gpus, COPIES
    return gpus, APART if apart > 1 else ""


def find_gpu(record: Record) -> tuple[GPU, float]:
    """The GPU of a row, and its link to others [bytes/s] on the best board that has it."""
    name = record.text(GPU_COLUMNS)
    if not name:
        raise record.broken("gpu", "", "is missing")
    known, links = known_gpus()
    folded = {key.casefold(): key for key in known}
    found = folded.get(name.casefold())
    if found is None:
        meant = {k.casefold(): v for k, v in read_aliases(ALIASES).items()}.get(name.casefold())
        # V100-16GB may be SXM2 or PCIe: the first by name of those measured most is SXM.
        found = max(meant, key=lambda key: "SXM" in key) if meant else None
    if found is None:
        error = CatalogError.unknown("GPU", name, known, f"{record.path}: row {record.number}")
        raise UnknownNameError(str(error))
    return known[found], links.get(found, 0.0)


@lru_cache(maxsize=1)
def known_gpus() -> tuple[dict[str, GPU], dict[str, float]]:
    """GPUs by name, those nobody here rents out among them, and their links [bytes/s]."""
    known = {gpu.name: gpu for gpu in load_gpus()}
    links: dict[str, float] = {}
    for vm in load_vm_types():
        rate = vm.gpu_link_bytes_per_s or 0.0
        links[vm.gpu.name] = max(links.get(vm.gpu.name, 0.0), rate)
    columns = ("name", "memory_bytes", "flops_per_s", "fp8_flops_per_s", "memory_bytes_per_s")
    rest = ("gpu_link_bytes_per_s", "source", "date", "note")
    for row in rows(DATA / "measured_gpus.csv", columns + rest, ()):
        name = row.text("name")
        known[name] = GPU(
            name=name,
            memory_bytes=row.real("memory_bytes"),
            flops_per_s=row.real("flops_per_s"),
            fp8_flops_per_s=row.real("fp8_flops_per_s") if row.text("fp8_flops_per_s") else None,
            memory_bytes_per_s=row.real("memory_bytes_per_s"),
            source=row.sourced(),
        )
        links[name] = row.real("gpu_link_bytes_per_s")
    slowest = min(rate for rate in links.values() if rate > 0)
    return known, {name: links.get(name, 0.0) or slowest for name in known}


def find_architecture(record: Record) -> Architecture:
    """The LLM of a row: a catalogue name, or a config.json beside the file.

    A published quantisation of an LLM (`nvidia/NAME-FP8`) has the shape of the LLM.
    """
    name = record.text(MODEL).removesuffix("(assumed)").strip()
    if not name:
        raise record.broken("model", "", "is missing")
    try:
        return _architecture(name, record.path.parent)
    except CatalogError as error:
        raise UnknownNameError(f"{record.path}: row {record.number}: {error}") from None


@lru_cache(maxsize=512)
def _architecture(name: str, folder: Path) -> Architecture:
    for candidate in _spellings(name, folder):
        try:
            return load_architecture(candidate)
        except CatalogError:
            continue
        except ProblemError as error:
            raise CatalogError(str(error)) from None
    return load_architecture(name)  # its error names the nearest


def _spellings(name: str, folder: Path) -> Iterator[str]:
    yield name
    if name.endswith(".json"):
        yield str(folder / name)
    short = name.split("/")[-1]
    for suffix in ("-FP8", "-NVFP4", "-FP4", "-Instruct", "-Instruct-FP8", "-hf"):
        if short.casefold().endswith(suffix.casefold()):
            yield short[: -len(suffix)]
    yield short
    if short.startswith("DeepSeek-V3"):
        yield "DeepSeek-V3"
