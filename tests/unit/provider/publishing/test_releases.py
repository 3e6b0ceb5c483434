# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.errors import ResourceError
from gateway.http.json_api import JsonApi
from provider.publishing.releases import KnownHold, ReleaseApi
from tests.support.control_plane import running
from tests.support.fake_control_plane import FakeControlPlane


async def test_holds_and_releases_are_read_as_the_control_plane_has_them(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        api = ReleaseApi(JsonApi(f"http://127.0.0.1:{place.port('admin')}"))
        assert await asyncio.to_thread(api.newest) is None
        assert await asyncio.to_thread(api.hold, "ci") is None
        service = {"name": "one", "host": "upstream.test"}
        await place.ask("POST", "/services", service, headers={"X-Kafka-Gateway-Hold": "ci"})
        open_one = await asyncio.to_thread(api.hold, "ci")
        assert open_one == KnownHold("open", None, "1 created")
        assert open_one.is_open
        await asyncio.to_thread(api.publish_hold, "ci", {"wait": 0}, print)
        ended = await asyncio.to_thread(api.hold, "ci")
        assert ended == KnownHold("published", 1, "1 created")
        newest = await asyncio.to_thread(api.newest)
        assert newest == await asyncio.to_thread(api.find, 1)
        assert await asyncio.to_thread(api.find, 2) is None


def test_what_is_no_control_plane_of_ours_is_an_error() -> None:
    with FakeControlPlane().running() as plane, pytest.raises(ResourceError, match=plane.url):
        ReleaseApi(JsonApi(plane.url)).newest()
