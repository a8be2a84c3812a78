"""A change of a problem's field in the words and units of its author."""

from __future__ import annotations

from ..models.fleet import FleetProblem
from ..models.relaxation import Change
from .words import SLO_WORDS, duration, percent, usd

DROPPED = {
    "percentile": "no percentile for its times",
    "batch": "any batch size",
    "gpus_per_replica": "any number of GPUs per replica",
    "offload": "KV cache in host memory",
    "allow": "wherever it is offered",
    "forbid": "wherever it is offered",
    "max_vm_types": "any number of VM types",
}
"""What a workload that does without a rule accepts."""


def change_in_words(problem: FleetProblem, change: Change) -> str:
    """Such as `chat: TPOT 20.0 ms -> 27.1 ms`."""
    name = change.field.rpartition(".")[2]
    if change.field.startswith("quotas"):
        index = int(change.field[len("quotas[") : change.field.index("]")])
        unit = problem.quotas[index].unit
        return f"quota {change.subject}: {change.was:g} -> {change.now:g} {unit}"
    if change.field.startswith("budget"):
        per = "USD/h" if name == "usd_per_hour" else "USD"
        return f"budget: {usd(change.was)} -> {usd(change.now)} {per}"
    return f"{change.subject}: {_workload_words(name, change)}"


def _workload_words(name: str, change: Change) -> str:
    was, now = change.was, change.now
    if name == "tokens_per_s":
        return f"{was:g} -> {now:g} tokens/s"
    if name == "confidence":
        return f"confidence {percent(was)} -> {percent(now)}"
    if name in SLO_WORDS:
        return f"{SLO_WORDS[name]} {duration(was)} -> {'any' if now is None else duration(now)}"
    if name == "requests_per_s":
        return f"serve {percent(now / was)} of its demand ({was:g} -> {now:g} requests/s)"
    if name in ("vm", "zone"):
        lost = "VM" if name == "vm" else name
        return f"left after the loss of a {lost}: {percent(was)} -> {percent(now or 0.0)}"
    if name == "precision":
        return f"weights in {now} instead of {was}"
    if name in DROPPED:
        return DROPPED[name]
    words = name.replace("_", " ")
    return f"{words} {percent(was)} -> {percent(now)}"
