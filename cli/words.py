"""Numbers as people read them, with their unit."""

from __future__ import annotations

from collections.abc import Collection

SLO_WORDS = {
    "tokens_per_s": "tokens/s",
    "ttft_s": "TTFT",
    "tpot_s": "TPOT",
    "e2e_s": "end to end",
    "deadline_s": "deadline",
}
"""The SLOs as tables call them."""

NOTHING = "-"
"""A cell without a value."""


def usd(amount: float) -> str:
    """Money without its unit, to a tenth of a cent where that shows.

    >>> usd(0.5264), usd(6.66), usd(1234.5)
    ('0.526', '6.660', '1,234.50')
    """
    return f"{amount:,.3f}" if amount < 10 else f"{amount:,.2f}"


def duration(seconds: float) -> str:
    """A time in the unit that suits it.

    >>> [duration(s) for s in (0.00042, 0.0321, 0.4, 1.5, 95, 5000, 21600)]
    ['0.42 ms', '32.1 ms', '400 ms', '1.50 s', '95.0 s', '83.3 min', '6.00 h']
    """
    units = ((7200.0, 3600.0, "h"), (120.0, 60.0, "min"), (1.0, 1.0, "s"), (0.0, 1e-3, "ms"))
    size, unit = next((size, unit) for least, size, unit in units if seconds >= least)
    return f"{three_digits(seconds / size)} {unit}"


def about(seconds: float) -> str:
    """A time that somebody chose, without the zeros they did not type.

    >>> [about(s) for s in (0.05, 1.0, 90, 21600)]
    ['50 ms', '1 s', '1.5 min', '6 h']
    """
    units = ((3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"))
    size, unit = next((u for u in units if seconds >= u[0]), units[-1])
    return f"{seconds / size:,.4g} {unit}"


def place(provider: str, region: str) -> str:
    """Where an offer holds.

    >>> place("aws", "us-east-1"), place("runpod", "all")
    ('aws us-east-1', 'runpod, any region')
    """
    return f"{provider}, any region" if region == "all" else f"{provider} {region}"


def vm_name(key: str, providers: Collection[str]) -> str:
    """A VM type as people read it: without its provider where there is only one.

    >>> vm_name("aws:g6.xlarge", {"aws"}), vm_name("aws:g6.xlarge", {"aws", "gcp"})
    ('g6.xlarge', 'aws:g6.xlarge')
    """
    return key if len(providers) > 1 else key.partition(":")[2]


def three_digits(value: float) -> str:
    """A number to three significant digits, whole above a thousand.

    >>> [three_digits(v) for v in (0, 0.42, 7.129, 32.14, 160.4, 6698.2)]
    ['0', '0.42', '7.13', '32.1', '160', '6,698']
    """
    if value == 0:
        return "0"
    if abs(value) >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"


def percent(part: float) -> str:
    """A part of one; small ones keep a digit so that they do not read as nothing.

    >>> [percent(p) for p in (0, 0.0004, 0.004, 0.23, 1.5)]
    ['0 %', '<0.1 %', '0.4 %', '23 %', '150 %']
    """
    if part == 0 or abs(part) >= 0.0995:
        return f"{100 * part:,.0f} %"
    return f"{100 * part:.1f} %" if abs(part) >= 0.001 else "<0.1 %"


def plural(count: int, thing: str) -> str:
    """A count and its thing.

    >>> plural(1, "VM"), plural(1200, "offer")
    ('1 VM', '1,200 offers')
    """
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
