# SPDX-License-Identifier: Apache-2.0
"""The upstreams of a node over releases: watched on, watched anew, or no more."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from gateway.data_plane.master.node_release import NodeRelease, make_release
from gateway.data_plane.master.upstream_health import States, UpstreamHealth
from gateway.proxy.balancing.watched import WatchedUpstream
from tests.support.authority import Authority
from tests.support.balancing import NAME, target_rows, upstream_row
from tests.support.http import Wire, passing
from tests.support.upstream import upstream

CHECKS = {"passive": {"unhealthy": {"tcp_failures": 1}}}


def release(upstream: dict[str, Any], *targets: str, **table: Any) -> NodeRelease:
    rows = {"upstreams": [upstream], "targets": target_rows(upstream, targets), **table}
    return make_release(rows, "h")


def one(health: UpstreamHealth) -> WatchedUpstream:
    (found,) = health.upstreams
    return found


async def test_a_workers_report_is_counted_and_told_to_all() -> None:
    health, told = UpstreamHealth(), list[tuple[str, States]]()
    health.tell = lambda name, states: told.append((name, states))
    row = upstream_row(healthchecks=CHECKS)
    health.follow(release(row, "10.0.0.1:80"), {})
    report = [row["id"], "10.0.0.1", "10.0.0.1", 80, "tcp_failure"]
    health.reported([report, ["gone", *report[1:]]])
    state = ["10.0.0.1", "10.0.0.1", 80, "unhealthy"]
    assert told == [(row["id"], [state])]
    assert health.states() == {row["id"]: [state]}
    health.close()


async def test_what_did_not_change_is_watched_on() -> None:
    health = UpstreamHealth()
    row = upstream_row(healthchecks=CHECKS)
    targets = target_rows(row, ["10.0.0.1:80"])
    health.follow(make_release({"upstreams": [row], "targets": targets}, "h"), {})
    first = one(health)
    health.follow(make_release({"upstreams": [dict(row)], "targets": list(targets)}, "i"), {})
    assert one(health) is first
    health.close()


async def test_health_stays_with_an_address_over_changes_around_it() -> None:
    health, told = UpstreamHealth(), list[tuple[str, States]]()
    row = upstream_row(healthchecks=CHECKS)
    health.follow(release(row, "10.0.0.1:80"), {})
    one(health).force(one(health).addresses()[0], healthy=False)
    health.tell = lambda name, states: told.append((name, states))
    health.follow(release({**row, "slots": 2000}, "10.0.0.1:80", "10.0.0.2:80"), {})
    (states,) = health.states().values()
    assert [state[1] for state in states] == ["10.0.0.1"]
    health.follow(release(row, "10.0.0.2:80"), {})
    assert health.states() == {}
    assert told[-1] == (row["id"], [])
    health.close()


async def test_an_upstream_that_is_gone_is_forgotten() -> None:
    health, told = UpstreamHealth(), list[tuple[str, States]]()
    row = upstream_row(healthchecks=CHECKS)
    health.follow(release(row, "10.0.0.1:80"), {})
    health.tell = lambda name, states: told.append((name, states))
    health.follow(make_release({}, "i"), {})
    assert health.upstreams == []
    assert told == [(row["id"], [])]


async def test_upstreams_are_found_by_id_and_name() -> None:
    health = UpstreamHealth()
    row = upstream_row()
    health.follow(release(row), {})
    assert health.find(row["id"]) is health.find(NAME) is one(health)
    assert health.find("other") is None
    health.close()


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"name": "prometheus", "config": {"upstream_health_metrics": True}}, True),
        ({"name": "prometheus", "config": {"upstream_health_metrics": False}}, False),
        (
            {
                "name": "prometheus",
                "enabled": False,
                "config": {"upstream_health_metrics": True},
            },
            False,
        ),
        ({"name": "other", "config": {"upstream_health_metrics": True}}, False),
    ],
)
async def test_the_plugin_prometheus_says_whether_metrics_show_it(
    row: dict[str, Any], shown: bool
) -> None:
    health = UpstreamHealth()
    health.follow(make_release({"plugins": [row]}, "h"), {})
    assert health.metrics is shown


async def test_probes_show_the_upstreams_certificate_also_when_it_is_a_vaults() -> None:
    pair = Authority().issue("client")
    certificate = {"id": "c", "cert": pair.certificate, "key": "{vault://env/client-key}"}
    row = upstream_row(
        healthchecks={"active": {"type": "https", "healthy": {"interval": 60}}},
    )
    row["client_certificate"] = "c"
    health = UpstreamHealth()
    first = release(row, "10.0.0.1:80", certificates=[certificate])
    health.follow(first, {"CLIENT_KEY": pair.key})
    assert one(health).is_of(row, first.balanced["targets"], (pair.certificate, pair.key))
    health.close()


def test_a_node_without_upstreams_starts_without_what_they_need() -> None:
    code = (
        "import sys, gateway.data_plane.master.master\n"
        "heavy = ('pydantic', 'aiodns', 'gateway.entities', 'gateway.proxy')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_without_a_usable_certificate_nothing_is_probed_and_all_count_as_healthy() -> None:
    asked = asyncio.Event()

    async def script(wire: Wire) -> None:
        asked.set()

    certificate = {"id": "c", "cert": "no certificate", "key": "no key"}
    active = {
        "type": "https",
        "healthy": {"interval": 0.01},
        "unhealthy": {"tcp_failures": 1},
    }
    async with upstream(script) as origin:
        row = upstream_row(healthchecks={"active": active}) | {"client_certificate": "c"}
        health = UpstreamHealth()
        health.follow(release(row, f"127.0.0.1:{origin.port}", certificates=[certificate]), {})
        await passing(0.1)
        assert not asked.is_set()
        assert health.states() == {}
        health.close()
