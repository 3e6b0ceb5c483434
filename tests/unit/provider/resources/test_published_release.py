# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from provider.values import UNKNOWN, Properties
from tests.support.control_plane import Place, running
from tests.support.provider import CallError, Harness

TOKEN = "gateway:index:Release"
HOLD = {"X-Kafka-Gateway-Hold": "ci"}
_T = TypeVar("_T")


async def off_loop(call: Callable[..., _T], *arguments: Any) -> _T:
    """Call the provider beside the control plane's loop, as the engine does."""
    return await asyncio.to_thread(call, *arguments)


def inputs(place: Place, **more: Any) -> Properties:
    return {"admin": {"url": f"http://127.0.0.1:{place.port('admin')}"}, "waitSeconds": 0, **more}


async def held(place: Place, name: str) -> None:
    service = {"name": name, "host": "upstream.test"}
    assert (await place.ask("POST", "/services", service, headers=HOLD)).status == 201


async def services(place: Place) -> set[str]:
    return {one["name"] for one in (await place.ask("GET", "/services")).body["data"]}


async def test_a_hold_becomes_one_release_and_stays_it(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.serving() as _:
        for name in ("one", "two"):
            await held(place, name)
        harness = Harness(TOKEN)
        news = inputs(place, hold="ci", message="from a test", waitSeconds=30)
        assert (await off_loop(harness.create, news, True))["number"] == UNKNOWN
        assert await services(place) == set()
        made = await off_loop(harness.create, news)
        assert await services(place) == {"one", "two"}
        (release,) = (await place.ask("GET", "/releases")).body["data"]
        assert (release["number"], release["hash"]) == (made["number"], made["hash"])
        assert (release["message"], release["who"]) == ("from a test", "pulumi project/test")
        assert await off_loop(harness.diff) == {}
        assert (await off_loop(harness.read))[2] == harness.outputs
        await off_loop(harness.delete)
        assert await services(place) == {"one", "two"}


async def test_writes_that_are_held_again_are_a_change(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await held(place, "one")
        harness = Harness(TOKEN)
        await off_loop(harness.create, inputs(place, hold="ci"))
        await held(place, "two")
        assert await off_loop(harness.diff) == {"hold": "UPDATE"}
        assert harness.lines.shown == ['hold "ci" has writes to publish: 1 created']
        assert (await off_loop(harness.update, harness.inputs, True))["number"] == UNKNOWN
        await off_loop(harness.update, harness.inputs)
        assert harness.outputs["number"] == 2
        assert await services(place) == {"one", "two"}
        assert await off_loop(harness.diff) == {}


async def test_what_an_interrupted_create_has_published_is_found(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await held(place, "one")
        await place.ask("POST", "/holds/ci/publish", {"wait": 0})
        await place.ask("POST", "/services", {"name": "later", "host": "upstream.test"})
        harness = Harness(TOKEN)
        assert (await off_loop(harness.create, inputs(place, hold="ci")))["number"] == 1


async def test_a_hold_without_writes_is_told(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await place.ask("POST", "/services", {"name": "one", "host": "upstream.test"})
        harness = Harness(TOKEN)
        assert (await off_loop(harness.create, inputs(place, hold="ci")))["number"] == 1
        assert harness.lines.shown == ['hold "ci" has no writes; release 1 is the newest']


async def test_a_hold_whose_writes_were_dropped_is_an_error(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await held(place, "one")
        await place.ask("DELETE", "/holds/ci")
        with pytest.raises(CallError, match='hold "ci" has nothing to publish, it was dropped'):
            await off_loop(Harness(TOKEN).create, inputs(place, hold="ci"))


async def test_a_hold_that_a_data_plane_refuses_is_an_error_with_its_reason(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.serving(lambda _: "no such thing") as _:
        await held(place, "one")
        with pytest.raises(CallError, match=r"refuses it: .*no such thing"):
            await off_loop(Harness(TOKEN).create, inputs(place, hold="ci", waitSeconds=30))
        assert await services(place) == set()


async def test_the_newest_release_is_named_once_data_planes_serve_it(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.serving() as _:
        await place.ask("POST", "/services", {"name": "one", "host": "upstream.test"})
        harness = Harness(TOKEN)
        made = await off_loop(harness.create, inputs(place, waitSeconds=30))
        planes = (await place.ask("GET", "/clustering/data-planes")).body["data"]
        assert [one["config_hash"] for one in planes] == [made["hash"]]
        assert harness.lines.shown == []


async def test_a_data_plane_that_serves_something_else_is_told(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.peer() as _:
        await place.ask("POST", "/services", {"name": "one", "host": "upstream.test"})
        harness = Harness(TOKEN)
        await off_loop(harness.create, inputs(place))
        (line,) = harness.lines.shown
        assert "does not serve release 1: not confirmed within 0 s" in line


async def test_triggers_take_the_newest_release_and_other_edits_none(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        harness = Harness(TOKEN)
        assert (await off_loop(harness.create, inputs(place)))["number"] == 0
        await place.ask("POST", "/services", {"name": "one", "host": "upstream.test"})
        for quiet in ({"message": "another"}, {"waitSeconds": 1}):
            assert await off_loop(harness.diff, harness.check(inputs(place, **quiet))) == {}
        other = inputs(place)
        other["admin"]["token"] = "any"
        assert await off_loop(harness.diff, harness.check(other)) == {"admin.token": "ADD"}
        assert (await off_loop(harness.update, other, True))["number"] == 0
        assert (await off_loop(harness.update, other))["number"] == 0
        newer = {**other, "triggers": {"at": "1"}}
        assert await off_loop(harness.diff, harness.check(newer)) == {"triggers.at": "ADD"}
        assert (await off_loop(harness.update, newer, True))["number"] == UNKNOWN
        assert (await off_loop(harness.update, newer))["number"] == 1


async def test_it_is_gone_with_the_control_plane_that_had_it(tmp_path: Path) -> None:
    harness = Harness(TOKEN)
    async with running(tmp_path / "one") as place:
        await place.ask("POST", "/services", {"name": "one", "host": "upstream.test"})
        await off_loop(harness.create, inputs(place))
    harness.inputs["waitSeconds"] = 0
    async with running(tmp_path / "two") as place:
        harness.inputs = harness.check(inputs(place))
        assert (await off_loop(harness.read))[0] == ""
        await place.ask("POST", "/services", {"name": "other", "host": "upstream.test"})
        await place.ask("GET", "/releases")
        assert (await off_loop(harness.read))[0] == ""


async def test_an_unreachable_control_plane_keeps_what_is_recorded(tmp_path: Path) -> None:
    harness = Harness(TOKEN)
    async with running(tmp_path) as place:
        await off_loop(harness.create, inputs(place))
    assert (await off_loop(harness.read))[0] == harness.id
    assert "what is recorded of it is kept" in harness.lines.shown[0]


async def test_a_release_is_imported_by_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as place:
        monkeypatch.setenv("KAFKA_GATEWAY_ADMIN_URL", inputs(place)["admin"]["url"])
        await place.publish({"services": {"web": {"host": "upstream.test"}}}, wait=0, message="hi")
        harness = Harness(TOKEN)
        harness.id = "1"
        identity, given, outputs = await off_loop(harness.read)
        assert (identity, given["message"], outputs["number"]) == ("1", "hi", 1)
        assert outputs["hash"] == (await place.ask("GET", "/releases/1")).body["hash"]
        harness.id = "7"
        assert (await off_loop(harness.read))[0] == ""
        harness.id = "newest"
        with pytest.raises(CallError, match="'newest' is no release: import one by its number"):
            await off_loop(harness.read)


@pytest.mark.parametrize(
    ("wrong", "path", "reason"),
    [
        ({"admin": {"url": "http://a", "kind": "konnect"}}, "admin.kind", "has no releases"),
        ({"admin": {"url": "a"}}, "admin.url", "must begin with http://"),
        ({"admin": {"url": "http://a", "token": "s3cret\n"}}, "admin.token", "no header can have"),
        ({"hold": "a b"}, "hold", "no name of a hold"),
        ({"waitSeconds": 601}, "waitSeconds", "between 0 and 600"),
    ],
)
def test_what_cannot_be_is_refused_at_preview(wrong: Properties, path: str, reason: str) -> None:
    failures = Harness(TOKEN).failures({"admin": {"url": "http://a"}, **wrong})
    assert reason in failures[path]
