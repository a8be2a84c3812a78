"""`infersave catalog`: what InferSave knows about the world."""

from __future__ import annotations

from cyclopts import App

from .filters import Filters, select_offers
from .output import JsonFlag, print_json

app = App(
    name="catalog",
    help_epilogue="""Examples:
  infersave catalog
  infersave catalog list offers --gpu L4 --region us-east-1
  infersave catalog list architectures
  infersave catalog show g6.xlarge
  infersave catalog show meta-llama/Llama-3.1-8B --json""",
)
app.command(f"{__package__}.catalog_list:app", name="list", help="List offers, GPUs, LLMs, ...")
app.command(f"{__package__}.catalog_show:app", name="show", help="Everything about one name.")


@app.default
def summary(*, among: Filters = Filters(), json: JsonFlag = False) -> int:  # noqa: B008 - frozen
    """What is known: prices, VM types, GPUs, LLMs, calibrations.

    Without a command: how much there is of each, by provider.
    """
    from ..catalogs.architectures import architecture_names
    from ..catalogs.calibrations import load_calibrations
    from .catalog_rows import provider_rows

    catalog = select_offers(among)
    providers = provider_rows(catalog)
    calibrations = load_calibrations()
    counts = {
        "offers": len(catalog.offers),
        "vm_types": len(catalog.vm_types()),
        "gpus": len(catalog.gpus()),
        "architectures": len(architecture_names()),
        "calibrations": len(calibrations),
        "calibrations_fitted": sum(c.kind == "fitted" for c in calibrations),
    }
    if json:
        from ..models.plan import SCHEMA_VERSION

        print_json({"schema_version": SCHEMA_VERSION, "counts": counts, "providers": providers})
        return 0
    from .catalog_columns import columns_of
    from .screen import Screen

    screen = Screen()
    screen.headline(
        f"{counts['offers']:,} offers of {counts['vm_types']:,} VM types with "
        f"{counts['gpus']:,} GPUs; {counts['architectures']:,} LLM architectures; "
        f"{counts['calibrations']:,} calibrations, {counts['calibrations_fitted']:,} of them "
        "fitted to measurements."
    )
    screen.table(*columns_of("providers", providers))
    return 0
