# SPDX-License-Identifier: Apache-2.0
"""The metrics of a control plane: its releases, its database, and the data planes it knows.

What Kong's prometheus plugin shows of data planes on a control plane has its names and labels
(Kong 3.14, exporter.lua: ``data_plane_last_seen``, ``data_plane_config_hash``,
``data_plane_version_compatible``); what Kong does not have begins with ``kafka_gateway_``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import get_args

import gateway
from gateway.control_plane.data_plane_lines import Condition, DataPlaneLine, DataPlaneLines
from gateway.control_plane.publisher import Publisher
from gateway.control_plane.status import NodeStatus
from gateway.control_plane.timings import BOUNDS, Timings
from gateway.data_plane.master.exposition import Exposition, Series, labels


class ControlPlaneMetrics:
    """Writes the text. ``certificate_expires`` returns when the certificate that data planes are
    shown ends, in seconds since 1970; None where there is none.
    """

    def __init__(
        self,
        publisher: Publisher,
        lines: DataPlaneLines,
        status: NodeStatus,
        certificate_expires: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._publisher = publisher
        self._lines = lines
        self._status = status
        self._certificate_expires = certificate_expires

    async def render(self, *, openmetrics: bool = False) -> bytes:
        """Return the whole text; without a database what it takes no database to know."""
        reachable = await self._status.database_reachable()
        text = Exposition(openmetrics=openmetrics)
        version = labels(version=gateway.__version__)
        text.family("kafka_gateway_info", "gauge", "The version that runs.", [(version, 1)])
        self._add_database(text, reachable=reachable)
        self._add_releases(text)
        expires = self._certificate_expires()
        if expires is not None:
            about = "When the certificate that data planes are shown ends, in seconds since 1970."
            name = "kafka_gateway_cluster_certificate_expiry_timestamp_seconds"
            text.one(name, "gauge", about, int(expires))
        _add_data_planes(text, await self._lines.lines() if reachable else [])
        return text.text()

    def _add_database(self, text: Exposition, *, reachable: bool) -> None:
        for name in ("kong_datastore_reachable", "kafka_gateway_database_reachable"):
            text.one(name, "gauge", "Whether the database responds.", int(reachable))
        problem = bool(self._status.audit_problem)
        about = "Whether entries of the audit log wait because they cannot be written."
        text.one("kafka_gateway_audit_log_failing", "gauge", about, int(problem))

    def _add_releases(self, text: Exposition) -> None:
        newest, releases = self._publisher.newest, self._publisher.releases
        about = "The number of the newest release; 0 before the first."
        number = 0 if newest is None else newest.number
        text.one("kafka_gateway_release_number", "gauge", about, number)
        if newest is not None:
            about = "When the newest release was made, in seconds since 1970."
            name = "kafka_gateway_release_created_timestamp_seconds"
            text.one(name, "gauge", about, newest.created_at)
        about = "Releases of this control plane that a data plane refused, and that were undone."
        text.one("kafka_gateway_releases_refused_total", "counter", about, releases.taken_back)
        _add_times(
            text,
            "kafka_gateway_release_write_seconds",
            "Seconds of the transactions that make releases.",
            releases.writing,
        )
        _add_times(
            text,
            "kafka_gateway_release_push_seconds",
            "Seconds in which releases were made ready to be sent to data planes.",
            self._publisher.pushing,
        )


def _add_times(text: Exposition, name: str, about: str, times: Timings) -> None:
    text.histograms(name, about, BOUNDS, [Series("", times.counts, times.sum)])


def _add_data_planes(text: Exposition, lines: Sequence[DataPlaneLine]) -> None:
    """Add how many there are by condition, and what is known of each."""
    counted = Counter(line.condition for line in lines)
    text.family(
        "kafka_gateway_data_planes",
        "gauge",
        "Data planes by what they serve: the newest release, an older one, one that they refuse, "
        "one that their version cannot have; away are those that are not connected.",
        [(labels(condition=one), counted[one]) for one in get_args(Condition)],
    )
    _add_each(text, lines)


def _add_each(text: Exposition, lines: Sequence[DataPlaneLine]) -> None:
    known = [
        (labels(node_id=one.node.id, hostname=one.node.hostname, ip=one.node.ip), one)
        for one in lines
    ]
    text.family(
        "kong_data_plane_last_seen",
        "gauge",
        "Last time data plane contacted control plane.",
        [(label, one.node.last_seen) for label, one in known],
    )
    text.family(
        "kong_data_plane_config_hash",
        "gauge",
        "Config hash value of the data plane.",
        [(label, int(one.node.config_hash, 16)) for label, one in known],
    )
    text.family(
        "kong_data_plane_version_compatible",
        "gauge",
        "Version compatible status of the data plane, 0 is incompatible.",
        [
            (f"{label},{labels(kong_version=one.node.version)}", int(_compatible(one)))
            for label, one in known
        ],
    )
    text.family(
        "kafka_gateway_data_plane_releases_behind",
        "gauge",
        "Releases between the newest and the one that the data plane serves.",
        [(label, one.behind) for label, one in known if one.behind is not None],
    )
    text.family(
        "kafka_gateway_data_plane_certificate_expiry_timestamp_seconds",
        "gauge",
        "When the certificate ends that the data plane came with, in seconds since 1970.",
        [
            (label, one.node.certificate_expires)
            for label, one in known
            if one.node.certificate_expires is not None
        ],
    )


def _compatible(line: DataPlaneLine) -> bool:
    return line.node.sync_status in ("normal", "unknown")
