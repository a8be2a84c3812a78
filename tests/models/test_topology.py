"""Host rates under full load, against results worked out by hand."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infersave.models.hardware import HostLink
from infersave.models.topology import HostRates, host_graph, host_rates

GB = 1e9


def link(
    own: float = 12 * GB,
    uplink: float = 12 * GB,
    gpus_per_uplink: int = 2,
    back: float | None = None,
    uplink_back: float | None = None,
) -> HostLink:
    """A host link, alike both ways unless told otherwise."""
    return HostLink(
        h2d_bytes_per_s=own,
        d2h_bytes_per_s=back or own,
        gpus_per_uplink=gpus_per_uplink,
        uplink_h2d_bytes_per_s=uplink,
        uplink_d2h_bytes_per_s=uplink_back or uplink,
    )


def test_two_gpus_behind_an_uplink_as_fast_as_their_links_get_half() -> None:
    assert host_rates(2, link()) == HostRates(6 * GB, 6 * GB)
    assert host_rates(8, link()) == HostRates(6 * GB, 6 * GB)


def test_a_path_of_its_own_is_not_shared() -> None:
    assert host_rates(8, link(gpus_per_uplink=1)) == HostRates(12 * GB, 12 * GB)


def test_one_gpu_gets_the_narrowest_part_of_its_path() -> None:
    assert host_rates(1, link(own=12 * GB, uplink=5 * GB)) == HostRates(5 * GB, 5 * GB)
    assert host_rates(1, link(own=5 * GB, uplink=12 * GB)) == HostRates(5 * GB, 5 * GB)


def test_partial_contention_like_g5_48xlarge() -> None:
    """Eight GPUs share a path that carries less than eight links, one way more than the other."""
    rates = host_rates(8, link(13.466 * GB, 8 * 10.3264 * GB, 8, 13.213 * GB, 8 * 6.73682 * GB))
    assert rates.h2d_bytes_per_s == pytest.approx(10.3264 * GB, rel=1e-12)
    assert rates.d2h_bytes_per_s == pytest.approx(6.73682 * GB, rel=1e-12)


def test_directions_are_independent() -> None:
    rates = host_rates(2, link(own=12 * GB, uplink=12 * GB, back=12 * GB, uplink_back=24 * GB))
    assert rates == HostRates(6 * GB, 12 * GB)


def test_the_odd_gpu_does_not_raise_the_rate_that_all_get() -> None:
    """Three GPUs, two a switch: the third has a switch alone, yet the fair rate is the pair's."""
    assert host_rates(3, link()) == HostRates(6 * GB, 6 * GB)


def test_fewer_gpus_than_an_uplink_serves() -> None:
    assert host_rates(2, link(uplink=18 * GB, gpus_per_uplink=4)) == HostRates(9 * GB, 9 * GB)


def test_graph_has_every_gpu_uplink_and_both_directions() -> None:
    graph = host_graph(3, link(back=7 * GB, uplink_back=9 * GB))
    kinds = [data["kind"] for _, data in graph.nodes(data=True)]
    assert (kinds.count("gpu"), kinds.count("uplink"), kinds.count("host")) == (3, 2, 1)
    assert graph.edges["host", "uplink1"]["capacity"] == 12 * GB
    assert graph.edges["uplink1", "host"]["capacity"] == 9 * GB
    assert graph.edges["gpu2", "uplink1"]["capacity"] == 7 * GB


RATES = st.floats(min_value=1e6, max_value=1e13)
LINKS = st.builds(link, RATES, RATES, st.integers(1, 16), RATES, RATES)


@given(n_gpus=st.integers(1, 16), links=LINKS)
@settings(max_examples=100, deadline=None)
def test_max_flow_agrees_with_the_tree(n_gpus: int, links: HostLink) -> None:
    sharing = min(n_gpus, links.gpus_per_uplink)
    rates = host_rates(n_gpus, links)
    h2d = min(links.h2d_bytes_per_s, links.uplink_h2d_bytes_per_s / sharing)
    d2h = min(links.d2h_bytes_per_s, links.uplink_d2h_bytes_per_s / sharing)
    assert rates.h2d_bytes_per_s == pytest.approx(h2d, rel=1e-9)
    assert rates.d2h_bytes_per_s == pytest.approx(d2h, rel=1e-9)


@given(n_gpus=st.integers(1, 16), links=LINKS, factor=st.floats(1.0, 100.0))
@settings(max_examples=50, deadline=None)
@pytest.mark.parametrize(
    "field",
    [
        "h2d_bytes_per_s",
        "d2h_bytes_per_s",
        "uplink_h2d_bytes_per_s",
        "uplink_d2h_bytes_per_s",
    ],
)
def test_more_capacity_never_slows_a_copy(
    field: str, n_gpus: int, links: HostLink, factor: float
) -> None:
    slow = host_rates(n_gpus, links)
    fast = host_rates(n_gpus, links.replace(**{field: getattr(links, field) * factor}))
    allowance = 1.0 - 1e-9  # rounding of the flow
    assert fast.h2d_bytes_per_s >= slow.h2d_bytes_per_s * allowance
    assert fast.d2h_bytes_per_s >= slow.d2h_bytes_per_s * allowance


def test_one_gpu_needs_no_networkx() -> None:
    source = (
        "import sys\n"
        "from infersave.models.hardware import HostLink\n"
        "from infersave.models.topology import host_rates\n"
        "host_rates(1, HostLink(h2d_bytes_per_s=1.0, d2h_bytes_per_s=1.0,"
        " uplink_h2d_bytes_per_s=1.0, uplink_d2h_bytes_per_s=1.0))\n"
        "assert 'networkx' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", source], check=True, timeout=60)
