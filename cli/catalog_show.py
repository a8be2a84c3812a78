"""`infersave catalog show`: everything about one VM type, GPU or LLM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyclopts import App

from ..models.outcome import CatalogError
from .output import JsonFlag, print_json

if TYPE_CHECKING:
    from ..models.architecture import Architecture
    from ..models.hardware import GPU, VMType

app = App(
    name="show",
    help_epilogue="""Examples:
  infersave catalog show g6.xlarge
  infersave catalog show gcp:g2-standard-4
  infersave catalog show L4
  infersave catalog show meta-llama/Llama-3.1-8B
  infersave catalog show ./config.json""",
)


@app.default
def show(name: str, /, *, catalog: str = "clouds", json: JsonFlag = False) -> int:
    """Everything about one VM type, GPU or LLM, with sources and dates.

    Args:
        name: A VM type, a GPU, an architecture, or the path of a Hugging Face config.json.
        catalog: Where prices come from: clouds, paper, or a folder or CSV file of your own.
    """
    from .catalog_facts import about

    found = [about(thing, catalog) for thing in _find(name, catalog)]
    if json:
        from ..models.plan import SCHEMA_VERSION

        matches = [{"kind": kind, **row} for kind, row in found]
        print_json({"schema_version": SCHEMA_VERSION, "matches": matches})
    else:
        from .catalog_facts_view import show_facts
        from .screen import Screen

        show_facts(Screen(), found)
    return 0


def _find(name: str, catalog: str) -> list[VMType | GPU | Architecture]:
    """What answers to the name, in any case of letters.

    Raises:
        CatalogError: nothing does; offers the nearest names.
    """
    from ..catalogs.architectures import architecture_names, load_architecture
    from ..catalogs.store import load_catalog, load_gpus, load_vm_types

    offered, wanted = load_catalog(catalog), name.casefold()
    vm_types = {v.key: v for v in (*load_vm_types(), *offered.vm_types())}
    gpus = {g.name: g for g in (*load_gpus(), *offered.gpus())}
    found: list[VMType | GPU | Architecture] = [
        v for v in vm_types.values() if wanted in (v.key.casefold(), v.name.casefold())
    ]
    found += [g for g in gpus.values() if g.name.casefold() == wanted]
    if found:
        return found
    try:
        return [load_architecture(name)]
    except CatalogError:
        known = {*gpus, *architecture_names(), *(v.name for v in vm_types.values())}
        raise CatalogError.unknown("VM type, GPU or architecture", name, known) from None
