# SPDX-License-Identifier: Apache-2.0
"""The health of targets as metrics."""

from __future__ import annotations

from gateway.data_plane.master.exposition import Exposition
from gateway.data_plane.master.upstream_metrics import TargetHealth, add_upstreams, healths_of
from gateway.proxy.balancing.watched import WatchedUpstream
from gateway.proxy.resolver import Resolver
from tests.support.balancing import NAME, target_rows, upstream_row

CHECKS = {"passive": {"unhealthy": {"tcp_failures": 1}}}


def test_each_address_has_its_state_and_a_target_without_one_is_a_dns_error() -> None:
    row = upstream_row(healthchecks=CHECKS)
    targets = target_rows(row, ["10.0.0.1:80", "10.0.0.2:80", "a.invalid:80"])
    upstream = WatchedUpstream(row, targets, Resolver(), lambda _: None)
    upstream.force(upstream.addresses()[0], healthy=False)
    assert healths_of([upstream]) == [
        TargetHealth(NAME, "10.0.0.1:80", "10.0.0.1:80", "unhealthy"),
        TargetHealth(NAME, "10.0.0.2:80", "10.0.0.2:80", "healthy"),
        TargetHealth(NAME, "a.invalid:80", "", "dns_error"),
    ]


def test_each_state_is_a_series_and_the_one_in_force_is_1() -> None:
    text = Exposition()
    add_upstreams(text, [TargetHealth("u", "t:80", "10.0.0.1:80", "unhealthy")])
    lines = text.text().decode().splitlines()
    assert lines[1] == "# TYPE kong_upstream_target_health gauge"
    where = 'upstream="u",target="t:80",address="10.0.0.1:80"'
    for state in ("healthchecks_off", "healthy", "unhealthy", "dns_error"):
        labels = f'{where},state="{state}",subsystem="http"'
        value = int(state == "unhealthy")
        assert f"kong_upstream_target_health{{{labels}}} {value}" in lines


def test_without_targets_there_is_no_family() -> None:
    text = Exposition()
    add_upstreams(text, [])
    assert text.text() == b""
