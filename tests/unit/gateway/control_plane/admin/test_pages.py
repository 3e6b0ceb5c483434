# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from tests.support.control_plane import make, names, running


async def test_pages_are_followed_by_their_offset_to_the_end(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for number in range(5):
            await make(place, "/services", name=f"s{number}", host="a.test", tags=["t"])
        path: str | None = "/services?size=2&tags=t"
        seen: list[str] = []
        sizes = []
        while path is not None:
            reply = await place.ask("GET", path)
            sizes.append(len(reply.body["data"]))
            seen += [row["name"] for row in reply.body["data"]]
            path = reply.body["next"]
            assert ("offset" in reply.body) == (path is not None)
        assert sizes == [2, 2, 1]
        assert sorted(seen) == [f"s{number}" for number in range(5)]


async def test_size_and_offset_that_cannot_be_are_kongs_errors(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for size in ("0", "1001", "-1", "x", "1.5"):
            reply = await place.ask("GET", f"/services?size={size}")
            assert (reply.status, reply.body["code"]) == (400, 9), size
            assert reply.body["name"] == "invalid size"
        reply = await place.ask("GET", "/services?offset=%25%25")
        assert (reply.status, reply.body["code"]) == (400, 7)
        for path in ("/services?tags=a,b/c", "/services?tags="):
            reply = await place.ask("GET", path)
            assert (reply.status, reply.body["code"]) == (400, 11)


async def test_tags_filter_by_all_or_by_any(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for name, tags in (("one", ["a"]), ("two", ["a", "b"]), ("none", None)):
            await make(place, "/services", name=name, host="a.test", tags=tags)
        assert await names(place, "/services?tags=a,b") == ["two"]
        assert sorted(await names(place, "/services?tags=a/b")) == ["one", "two"]
        listed = await place.ask("GET", "/tags/b")
        assert [row["entity_name"] for row in listed.body["data"]] == ["services"]
        assert len((await place.ask("GET", "/tags")).body["data"]) == 3
