# SPDX-License-Identifier: Apache-2.0
"""The health of targets as metrics, under Kong's name, states and labels (its exporter.lua)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from gateway.data_plane.master.exposition import Exposition, labels

if TYPE_CHECKING:
    from gateway.proxy.balancing.watched import WatchedUpstream

_STATES = ("healthchecks_off", "healthy", "unhealthy", "dns_error")


class TargetHealth(NamedTuple):
    """How an address of a target is; a target that has none is there once, without an address."""

    upstream: str
    target: str
    address: str
    state: str


def healths_of(upstreams: Iterable[WatchedUpstream]) -> list[TargetHealth]:
    """Return how all addresses of all targets are."""
    return list(_healths(upstreams))


def _healths(upstreams: Iterable[WatchedUpstream]) -> Iterator[TargetHealth]:
    for upstream in upstreams:
        for target in upstream.targets.targets:
            for address in target.addresses:
                state = upstream.health_of(address).lower()
                yield TargetHealth(upstream.name, target.name, address.shown, state)
            if not target.addresses:
                yield TargetHealth(upstream.name, target.name, "", "dns_error")


def add_upstreams(text: Exposition, found: Iterable[TargetHealth]) -> None:
    """Add a series for each state of each address, 1 for the one that it is in."""
    text.family(
        "kong_upstream_target_health",
        "gauge",
        "Health status of targets of upstream. States = healthchecks_off|healthy|unhealthy|"
        "dns_error, value is 1 when state is populated.",
        [
            (
                labels(
                    upstream=one.upstream,
                    target=one.target,
                    address=one.address,
                    state=state,
                    subsystem="http",
                ),
                int(state == one.state),
            )
            for one in found
            for state in _STATES
        ],
    )
