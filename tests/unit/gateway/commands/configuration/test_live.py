# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from gateway.commands.admin_client import admin_api
from gateway.commands.configuration import live
from gateway.commands.configuration.live import compatibility, configuration, newest, publish
from gateway.errors import CommandFailed, EndpointUnreachable
from gateway.http.json_api import ApiResponse, JsonApi
from gateway.settings.compatibility import OLDER, VERSIONS, use_version
from tests.support.command_line import run_against
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


@pytest.mark.parametrize("version", VERSIONS)
async def test_differences_are_by_the_defaults_of_the_control_plane(
    tmp_path: Path, version: str
) -> None:
    async with running(tmp_path / "plane", compatibility_version=version) as place:
        api = admin_api(f"http://127.0.0.1:{place.port('admin')}")
        try:
            use_version(version)
            assert await asyncio.to_thread(compatibility, api) == version
            file = tmp_path / "kong.yaml"
            file.write_text(
                "consumers: [{username: ann, basicauth_credentials: "
                "[{username: ann, password: p}]}]\nplugins: [{name: cors}]"
            )
            done = await run_against(place, "config", "sync", str(file))
            assert done.exit_code == 0, done.output
            # As in a process of its own.
            use_version(OLDER)
            same = await run_against(place, "config", "diff", str(file))
            assert (same.exit_code, same.output) == (0, "no difference\n")
        finally:
            use_version(OLDER)


def test_a_control_plane_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PATIENCE", 0.2)
    # Connections wait there, and nobody takes them.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api = admin_api(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(EndpointUnreachable, match=r"does not answer \(timed out\)"):
            newest(api)
        with pytest.raises(EndpointUnreachable, match="does not answer"):
            publish(api, "/releases", {}, 0)


def test_a_control_plane_has_as_long_for_its_newest_release_as_for_all_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patience: list[float] = []

    def request(_: JsonApi, method: str, path: str, body: Any, timeout: float) -> ApiResponse:
        patience.append(timeout)
        return ApiResponse(200, {"data": [{"number": 7}], "next": None})

    monkeypatch.setattr(JsonApi, "request", request)
    assert newest(JsonApi("http://127.0.0.1:1")) == 7
    assert patience == [live.PATIENCE]
