# SPDX-License-Identifier: Apache-2.0
"""When held writes are published, and that no route is open before its plugin is there."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.control_plane import messages, names, node_settings, running
from tests.support.deck import guarded_routes, sync
from tests.support.http import until
from tests.support.node import running_node
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.usefixtures("each_storage")

HOLD = {"X-Kafka-Gateway-Hold": "ci"}
ROUTES = 60
OPEN = ("open", "publishing")


@contextmanager
def asking(port: int, paths: list[str]) -> Iterator[Counter[int]]:
    """Ask for all paths without a key, over and over; count the statuses."""
    found: Counter[int] = Counter()
    stop = threading.Event()

    def loop() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        while not stop.is_set():
            for path in paths:
                connection.request("GET", path)
                response = connection.getresponse()
                response.read()
                found[response.status] += 1
        connection.close()

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("by", ["header", "setting"])
async def test_no_request_passes_without_a_key_while_routes_with_key_auth_are_synced(
    tmp_path: Path, by: str
) -> None:
    values = {"hold_writes": "4s"} if by == "setting" else {}
    headers = HOLD if by == "header" else {}
    paths = [f"/r{n}" for n in range(ROUTES)]
    async with running(tmp_path / "control-plane", **values) as place:
        await place.publish({"services": {"other": {"host": "a.test"}}}, wait=0)
        with running_node(tmp_path, **node_settings(place, tmp_path)) as node:
            await asyncio.to_thread(node.ready)
            with asking(node.proxy, paths) as found:
                replies = await sync(place, guarded_routes(ROUTES), headers)
                assert {reply.status for reply in replies} == {200}
                if by == "header":
                    reply = await place.ask("POST", "/holds/ci/publish", {"wait": 60})
                    assert reply.body["data_planes"][0]["status"] == "confirmed"
                await until(lambda: found[401] > ROUTES)
            assert set(found) == {404, 401}, found
        listed = await messages(place)
        assert len(listed) == 2, "one release for the sync"
        assert f"{2 * ROUTES + 3} created" in listed[0]


async def test_writes_are_held_until_it_is_quiet_and_seen_by_all_before(tmp_path: Path) -> None:
    async with running(tmp_path, hold_writes="10m") as place:
        await sync(place, guarded_routes(4))
        assert len(await names(place, "/routes")) == 4
        assert await messages(place) == []
        shown = (await place.ask("GET", "/holds")).body["data"]
        assert [(one["name"], one["writes"]) for one in shown] == [("", 11)]
    async with running(tmp_path) as place:
        assert await messages(place) == ["held writes: 11 created"], "published by the stop"


async def test_a_publish_goes_out_without_what_is_held(tmp_path: Path) -> None:
    served: list[dict[str, Any]] = []
    async with (
        running(tmp_path, hold_writes="10m") as place,
        place.serving(lambda table: served.append(table)),
    ):
        await place.ask("PUT", "/routes/open", {"paths": ["/open"]})
        reply = await place.publish({"services": {"b": {"host": "b.test"}}})
        assert reply.status == 201
        assert "routes" not in served[-1]
        assert await names(place, "/routes") == ["open"]


@pytest.mark.parametrize("broken_off", ["drop", "publish"])
@pytest.mark.parametrize("how", ["silence", "refused write"])
async def test_what_a_session_that_breaks_off_leaves(
    tmp_path: Path, how: str, broken_off: str
) -> None:
    values = {"hold_broken_off": broken_off}
    values |= {"hold_idle": "200ms"} if how == "silence" else {"hold_writes": "200ms"}
    headers = HOLD if how == "silence" else {}
    async with running(tmp_path, **values) as place:
        await sync(place, guarded_routes(4)[:2], headers)
        if how == "refused write":
            bad = await place.ask("PUT", "/plugins/x", {"name": "banana"})
            assert bad.status >= 400

        async with asyncio.timeout(PATIENCE):
            while (await place.ask("GET", "/holds")).body["data"][0]["state"] in OPEN:
                pass
        left = await names(place, "/routes")
        assert len(left) == (0 if broken_off == "drop" else 4)
        state = (await place.ask("GET", "/holds")).body["data"][0]["state"]
        assert state.startswith("dropped: " if broken_off == "drop" else "published")
