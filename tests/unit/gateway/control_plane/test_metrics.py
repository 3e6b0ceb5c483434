# SPDX-License-Identifier: Apache-2.0
"""The metrics of a control plane, read by Prometheus' own parsers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from tests.support.control_plane import Place, running

NODE = "6b7e1f0a-2f64-4a39-8f0f-0d1f3a1f2c11"
DOCUMENT = {"services": {"a": {"host": "a.test", "routes": {"r": {"paths": ["/a"]}}}}}


async def scraped(place: Place, accept: str = "") -> dict[str, Any]:
    """Return values by name and the values of the labels that matter here."""
    reply = await place.ask("GET", "/metrics", api="status", headers={"Accept": accept})
    assert reply.status == 200
    read = (
        openmetrics_parser.text_string_to_metric_families
        if accept
        else parser.text_string_to_metric_families
    )
    shown = ("condition", "node_id", "le")
    return {
        "/".join([one.name, *(one.labels[name] for name in shown if name in one.labels)]): one.value
        for family in read(reply.body.decode())
        for one in family.samples
    }


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text"])
async def test_releases_and_data_planes_are_counted(
    tmp_path: Path, each_storage: None, accept: str
) -> None:
    started = int(time.time())
    async with running(tmp_path) as place:
        found = await scraped(place, accept)
        assert found["kafka_gateway_release_number"] == 0
        assert "kafka_gateway_release_created_timestamp_seconds" not in found
        async with place.serving(node=NODE):
            await place.publish(DOCUMENT)
            found = await scraped(place, accept)
            assert found["kafka_gateway_release_number"] == 1
            assert found["kafka_gateway_release_created_timestamp_seconds"] >= started
            assert found["kafka_gateway_releases_refused_total"] == 0
            assert found["kafka_gateway_data_planes/current"] == 1
            assert found[f"kafka_gateway_data_plane_releases_behind/{NODE}"] == 0
            assert found[f"kong_data_plane_last_seen/{NODE}"] >= started
            assert found[f"kong_data_plane_version_compatible/{NODE}"] == 1
            served = place.made.data_planes.get(NODE)
            assert served is not None
            digest = int(served.config_hash, 16)
            assert float(found[f"kong_data_plane_config_hash/{NODE}"]) == float(digest)
            name = "kafka_gateway_data_plane_certificate_expiry_timestamp_seconds"
            assert found[f"{name}/{NODE}"] > started
            assert found["kafka_gateway_release_write_seconds_count"] == 1
            assert found["kafka_gateway_release_push_seconds_count"] >= 1
        assert found["kong_datastore_reachable"] == 1
        assert found["kafka_gateway_database_reachable"] == 1
        assert found["kafka_gateway_audit_log_failing"] == 0
        assert found["kafka_gateway_cluster_certificate_expiry_timestamp_seconds"] > started


async def test_a_refused_release_is_counted_and_one_that_is_not_connected_is_away(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as place:
        async with place.serving(lambda table: "no" if table.get("routes") else None, node=NODE):
            await place.publish(DOCUMENT)
            found = await scraped(place)
            assert found["kafka_gateway_releases_refused_total"] == 1
        while NODE in place.made.data_planes.connected():
            await place.made.data_planes.news()
        found = await scraped(place)
        assert found["kafka_gateway_data_planes/away"] == 1
        assert found["kafka_gateway_data_planes/current"] == 0
