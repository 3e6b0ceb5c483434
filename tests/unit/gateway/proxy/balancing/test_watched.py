# SPDX-License-Identifier: Apache-2.0
"""An upstream as a node watches it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.proxy.balancing.health import HealthBook, PeerEvent
from gateway.proxy.balancing.watched import WatchedUpstream
from gateway.proxy.resolver import Resolver
from tests.support.balancing import target_rows, upstream_row
from tests.support.http import until
from tests.support.ports import free_ports
from tests.support.upstream import answering, ok, upstream

PASSIVE = {"passive": {"unhealthy": {"tcp_failures": 2}, "healthy": {"successes": 1}}}
ONE = ("10.0.0.1", "10.0.0.1", 80)


class Watching:
    """A watched upstream, and how often it changed."""

    def __init__(
        self,
        targets: Sequence[str | tuple[str, int]],
        checks: dict[str, Any],
        book: HealthBook | None = None,
    ) -> None:
        self.changes = 0
        row = upstream_row(healthchecks=checks)
        self.upstream = WatchedUpstream(
            row, target_rows(row, targets), Resolver(), self._changed, book=book
        )

    def _changed(self, _: WatchedUpstream) -> None:
        self.changes += 1

    def health(self) -> list[str]:
        found = self.upstream
        return [found.described(target)[0] for target in found.targets.targets]


def test_what_requests_report_counts_up_to_the_limits_of_passive_checks() -> None:
    made = Watching(["10.0.0.1:80", "10.0.0.2:80"], PASSIVE)
    made.upstream.reported(ONE, PeerEvent.TCP_FAILURE)
    assert (made.health(), made.changes) == (["HEALTHY", "HEALTHY"], 1)
    made.upstream.reported(ONE, PeerEvent.TCP_FAILURE)
    assert (made.health(), made.changes) == (["UNHEALTHY", "HEALTHY"], 2)
    made.upstream.reported(ONE, PeerEvent.TIMEOUT)
    made.upstream.reported(ONE, PeerEvent.SUCCESS)
    assert (made.health(), made.changes) == (["HEALTHY", "HEALTHY"], 3)


def test_without_checks_health_is_off() -> None:
    made = Watching(["10.0.0.1:80"], {})
    assert made.health() == ["HEALTHCHECKS_OFF"]
    assert not made.upstream.watched


def test_a_target_without_an_address_is_a_dns_error() -> None:
    assert Watching(["a.invalid:80"], PASSIVE).health() == ["DNS_ERROR"]


def test_a_state_may_be_set_by_hand() -> None:
    made = Watching(["10.0.0.1:80"], PASSIVE)
    (address,) = made.upstream.addresses()
    made.upstream.force(address, healthy=False)
    made.upstream.force(address, healthy=False)
    assert (made.health(), made.changes) == (["UNHEALTHY"], 1)
    made.upstream.force(address, healthy=True)
    assert (made.health(), made.changes) == (["HEALTHY"], 2)


@pytest.mark.parametrize(("threshold", "word"), [(0, "HEALTHY"), (30, "UNHEALTHY")])
def test_the_balancer_is_healthy_above_its_threshold(threshold: float, word: str) -> None:
    checks = {**PASSIVE, "threshold": threshold}
    made = Watching([("10.0.0.1:80", 75), ("10.0.0.2:80", 25)], checks)
    made.upstream.force(made.upstream.addresses()[0], healthy=False)
    found = made.upstream.balancer_health()
    assert (found["health"], found["balancer_health"]) == (word, word)
    assert found["details"]["weight"] == {"total": 100, "available": 25, "unavailable": 75}
    assert [host["host"] for host in found["details"]["hosts"]] == ["10.0.0.1", "10.0.0.2"]


def test_what_was_counted_stays_with_an_address_as_long_as_it_is_a_targets() -> None:
    before = Watching(["10.0.0.1:80", "10.0.0.2:80"], PASSIVE)
    for address in before.upstream.addresses():
        before.upstream.force(address, healthy=False)
    after = Watching(["10.0.0.1:80", "10.0.0.3:80"], PASSIVE, before.upstream.book)
    assert after.health() == ["UNHEALTHY", "HEALTHY"]
    assert list(after.upstream.book.states()) == [ONE]
    off = Watching(["10.0.0.1:80"], {}, after.upstream.book)
    assert off.upstream.book.states() == {}


def test_it_knows_what_it_was_made_of() -> None:
    row = upstream_row()
    targets = target_rows(row, ["10.0.0.1:80"])
    made = WatchedUpstream(row, targets, Resolver(), lambda _: None)
    assert made.is_of(dict(row), list(targets), None)
    assert not made.is_of({**row, "slots": 11}, targets, None)
    assert not made.is_of(row, [], None)
    assert not made.is_of(row, targets, ("certificate", "key"))


async def test_probes_find_out_who_is_there_but_not_where_the_weight_is_0() -> None:
    (gone,) = free_ports(1)
    checks = {
        "active": {
            "healthy": {"interval": 0.02, "successes": 1},
            "unhealthy": {"interval": 0.02, "tcp_failures": 2},
        }
    }
    async with upstream(answering(ok())) as one, upstream(answering(ok())) as none:
        targets: list[str | tuple[str, int]] = [
            f"127.0.0.1:{one.port}",
            f"127.0.0.1:{gone}",
            (f"127.0.0.1:{none.port}", 0),
        ]
        made = Watching(targets, checks)
        made.upstream.start()
        await until(lambda: made.health() == ["HEALTHY", "UNHEALTHY", "HEALTHY"])
        assert (one.connections > 0, none.connections) == (True, 0)
        made.upstream.force(made.upstream.addresses()[0], healthy=False)
        await until(lambda: made.health() == ["HEALTHY", "UNHEALTHY", "HEALTHY"])
        made.upstream.close()
