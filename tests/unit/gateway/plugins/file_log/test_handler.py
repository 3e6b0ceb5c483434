# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gateway.plugins.logging.sinks import LogSinks
from tests.support.json_lines import lines_of
from tests.support.logging import until
from tests.support.policies import policy_gateway
from tests.support.releases import number
from tests.support.upstream import answering, ok

_FIELDS = {"new.key": "return 1", "request.headers.cookie": "return nil", "service": "return nil"}


async def test_each_request_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "log"
    async with policy_gateway(("file-log", {"path": str(path)})) as gateway:
        await gateway.ask("/a?x=1", "X-H: 1", method="POST", body=b"12345")
        await until(lambda: lines_of(path))
        await gateway.ask("/b")
        first, second = await until(lambda: len(lines_of(path)) == 2 and lines_of(path))
        assert first["request"]["uri"] == "/a?x=1"
        assert first["request"]["headers"]["x-h"] == "1"
        assert (first["response"]["status"], first["source"]) == (200, "upstream")
        assert first["upstream_status"] == "200"
        assert first["upstream_uri"] == "/a?x=1"
        assert first["service"]["id"] == first["route"]["service"]["id"]
        assert [(one["ip"], one["port"]) for one in first["tries"]] == [
            ("127.0.0.1", gateway.upstream_port)
        ]
        assert second["request"]["uri"] == "/b"
        latencies = first["latencies"]
        assert min(latencies.values()) >= 0
        assert latencies["kong"] + latencies["proxy"] <= latencies["request"]
    assert os.stat(path).st_mode & 0o777 == 0o644


async def test_sizes_are_those_of_the_bytes_on_the_wire(tmp_path: Path) -> None:
    path = tmp_path / "log"
    async with policy_gateway(("file-log", {"path": str(path)})) as gateway:
        wire = await gateway.running.connect()
        head = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        response = await wire.ask(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        await wire.close()
        entry = (await until(lambda: lines_of(path)))[0]
        assert entry["request"]["size"] == len(head) + 5
        head_size = entry["response"]["size"] - len(response.body)
        assert 100 < head_size < 1000


async def test_custom_fields_are_computed_in_lua(tmp_path: Path) -> None:
    path = tmp_path / "log"
    config = {"path": str(path), "custom_fields_by_lua": _FIELDS}
    async with policy_gateway(("file-log", config)) as gateway:
        await gateway.ask("/", "Cookie: secret")
        entry = (await until(lambda: lines_of(path)))[0]
        assert entry["new"] == {"key": 1}
        assert "service" not in entry
        assert "cookie" not in entry["request"]["headers"]


async def test_a_request_without_a_route_is_logged_by_a_plugin_of_all_routes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log"
    plugin = ("file-log", {"path": str(path)})
    async with policy_gateway(plugin, route={"paths": ["/only"]}) as gateway:
        await gateway.ask("/other")
        wire = await gateway.running.connect()
        await wire.ask(b"nonsense\r\n\r\n")
        await wire.close()
        lost, broken = await until(lambda: len(lines_of(path)) == 2 and lines_of(path))
        assert (lost["response"]["status"], lost["source"]) == (404, "kong")
        assert not {"route", "service", "tries"} & lost.keys()
        assert broken["response"]["status"] == 400


async def test_a_plugin_of_a_route_does_not_log_the_requests_of_none(tmp_path: Path) -> None:
    path, other = tmp_path / "log", tmp_path / "other"
    row = {"name": "file-log", "id": number("own"), "config": {"path": str(path)}}
    row["route"] = number("r")
    async with policy_gateway(
        ("file-log", {"path": str(other)}), rows=[row], route={"paths": ["/only"]}
    ) as gateway:
        await gateway.ask("/else")
        await gateway.ask("/only")
        await until(lambda: lines_of(path) and lines_of(other))
        assert [one["request"]["uri"] for one in lines_of(path)] == ["/only"]
        assert [one["request"]["uri"] for one in lines_of(other)] == ["/else"]


async def test_a_request_over_the_wrong_protocol_is_logged_with_its_route(tmp_path: Path) -> None:
    path = tmp_path / "log"
    plugin = ("file-log", {"path": str(path)})
    async with policy_gateway(plugin, route={"protocols": ["https"]}) as gateway:
        await gateway.ask("/")
        entry = (await until(lambda: lines_of(path)))[0]
        assert (entry["response"]["status"], entry["route"]["name"]) == (426, "r")


async def test_the_attempts_that_failed_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "log"

    async def closes(wire: Any) -> None:
        await wire.reader.readuntil(b"\r\n\r\n")

    async with policy_gateway(("file-log", {"path": str(path)}), script=closes) as gateway:
        await gateway.ask("/")
        entry = (await until(lambda: lines_of(path)))[0]
        assert (entry["response"]["status"], entry["source"]) == (502, "kong")
        assert entry["upstream_status"] == "502"
        assert [(one["state"], one["code"]) for one in entry["tries"]] == [("failed", 502)]
        assert entry["latencies"]["proxy"] == -1


async def test_a_file_that_is_moved_away_is_written_anew_with_reopen(tmp_path: Path) -> None:
    path, old = tmp_path / "log", tmp_path / "log.1"
    async with policy_gateway(("file-log", {"path": str(path), "reopen": True})) as gateway:
        await gateway.ask("/1")
        await until(lambda: lines_of(path))
        path.rename(old)
        await gateway.ask("/2")
        await until(lambda: lines_of(path))
        uris = [one["request"]["uri"] for one in lines_of(old) + lines_of(path)]
        assert uris == ["/1", "/2"]


async def test_a_file_that_cannot_be_written_holds_no_request_up(
    tmp_path: Path,
) -> None:
    """And what waited is written as soon as it can be."""
    path = tmp_path / "later" / "log"
    sinks = LogSinks()
    async with policy_gateway(
        ("file-log", {"path": str(path)}), script=answering(ok(), []), logs=sinks
    ) as gateway:
        for number in range(3):
            assert (await gateway.ask(f"/{number}")).status == 200
        path.parent.mkdir()
        found = await until(lambda: len(lines_of(path)) == 3 and lines_of(path))
        assert [one["request"]["uri"] for one in found] == ["/0", "/1", "/2"]
        counted = {"sent": {"file-log": 3}, "dropped": {}}
        await until(lambda: sinks.counts.report() == counted)
