# SPDX-License-Identifier: Apache-2.0
"""Probes come at intervals, not too many at once, and only to those that they are for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from gateway.proxy.balancing.health import PeerEvent
from gateway.proxy.balancing.peer import TargetAddress
from gateway.proxy.balancing.probe import TargetProbe
from gateway.proxy.balancing.prober import TargetProber
from tests.support.balancing import upstream_row
from tests.support.http import passing, until

ONE, TWO, THREE = (TargetAddress(f"10.0.0.{n}", f"10.0.0.{n}", 80, 1) for n in (1, 2, 3))


class _Probe:
    """Says what a test wants, and how many ran at once."""

    def __init__(self, event: PeerEvent | None = PeerEvent.SUCCESS) -> None:
        self.event = event
        self.asked: list[TargetAddress] = []
        self.running = self.most = 0
        self.go = asyncio.Event()
        self.go.set()

    async def run(self, address: TargetAddress) -> PeerEvent | None:
        self.asked.append(address)
        self.running += 1
        self.most = max(self.most, self.running)
        await self.go.wait()
        self.running -= 1
        return self.event


def prober(
    probe: _Probe,
    heard: list[tuple[TargetAddress, PeerEvent]],
    up: Sequence[TargetAddress] = (),
    down: Sequence[TargetAddress] = (),
    **active: Any,
) -> TargetProber:
    row = upstream_row(healthchecks={"active": active})["healthchecks"]["active"]
    return TargetProber(
        row,
        cast(TargetProbe, probe),
        lambda healthy: up if healthy else down,
        lambda address, event: heard.append((address, event)),
    )


async def test_healthy_and_unhealthy_peers_are_probed_at_their_own_intervals() -> None:
    probe, heard = _Probe(), list[tuple[TargetAddress, PeerEvent]]()
    made = prober(probe, heard, [ONE], [TWO], healthy={"interval": 0.01})
    made.start()
    await until(lambda: len(heard) > 3)
    made.close()
    assert set(heard) == {(ONE, PeerEvent.SUCCESS)}
    heard.clear()
    made = prober(probe, heard, [ONE], [TWO], unhealthy={"interval": 0.01})
    made.start()
    await until(lambda: heard)
    made.close()
    assert heard[0] == (TWO, PeerEvent.SUCCESS)


async def test_without_an_interval_nothing_is_probed() -> None:
    probe, heard = _Probe(), list[tuple[TargetAddress, PeerEvent]]()
    made = prober(probe, heard, [ONE], [TWO])
    made.start()
    await passing(0.05)
    made.close()
    assert probe.asked == []


async def test_no_more_run_at_once_than_allowed() -> None:
    probe, heard = _Probe(), list[tuple[TargetAddress, PeerEvent]]()
    probe.go.clear()
    made = prober(probe, heard, [ONE, TWO, THREE], healthy={"interval": 0.01}, concurrency=2)
    made.start()
    await until(lambda: probe.running == 2)
    probe.go.set()
    await until(lambda: len(heard) >= 6)
    made.close()
    assert probe.most == 2


async def test_a_probe_that_tells_nothing_is_not_heard_of() -> None:
    probe, heard = _Probe(None), list[tuple[TargetAddress, PeerEvent]]()
    made = prober(probe, heard, [ONE], healthy={"interval": 0.01})
    made.start()
    await until(lambda: len(probe.asked) > 2)
    made.close()
    assert heard == []


async def test_after_its_end_nothing_is_heard() -> None:
    probe, heard = _Probe(), list[tuple[TargetAddress, PeerEvent]]()
    probe.go.clear()
    made = prober(probe, heard, [ONE], healthy={"interval": 0.01})
    made.start()
    await until(lambda: probe.running)
    made.close()
    probe.go.set()
    await passing(0.02)
    assert heard == []
