# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.commands.admin_client import admin_api
from gateway.commands.configuration.live import configuration, newest, publish
from gateway.errors import CommandFailed
from tests.support.control_plane import running


async def test_before_the_first_release_there_is_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        api = admin_api(f"http://127.0.0.1:{place.port('admin')}")
        assert await asyncio.to_thread(newest, api) == 0
        assert configuration(api, 0) == {}
        body = {"owner": "a", "document": {"services": {"s": {"host": "s.test"}}}}
        made = await asyncio.to_thread(publish, api, "/releases", body, 0)
        assert made["number"] == await asyncio.to_thread(newest, api) == 1
        table = await asyncio.to_thread(configuration, api, 1)
        assert [row["name"] for row in table["services"]] == ["s"]


async def test_what_is_no_admin_api_of_ours_is_said(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        # The status API, by mistake.
        api = admin_api(f"http://127.0.0.1:{place.port('status')}")
        with pytest.raises(CommandFailed, match="404"):
            await asyncio.to_thread(newest, api)


async def test_a_release_that_a_data_plane_refuses_is_an_error(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.serving(lambda _: "no such secret"):
        api = admin_api(f"http://127.0.0.1:{place.port('admin')}")
        body = {"owner": "a", "document": {"services": {"s": {"host": "s.test"}}}}
        with pytest.raises(CommandFailed, match=r"409: release 1: data plane .* no such secret"):
            await asyncio.to_thread(publish, api, "/releases", body, 30)
        assert (await place.ask("GET", "/services")).body["data"] == []
