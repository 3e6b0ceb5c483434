# SPDX-License-Identifier: Apache-2.0
"""The field ``snis`` of certificates, over HTTP as Kong's clients use it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from gateway.control_plane.certificate_names import split_names
from gateway.errors import SchemaViolation
from tests.support.certificates import self_signed
from tests.support.control_plane import Place, make, messages, names, running


def _pair(name: str) -> dict[str, Any]:
    cert, key = self_signed(name)
    return {"cert": cert, "key": key}


async def _names(place: Place) -> list[str]:
    return sorted(await names(place, "/snis"))


async def test_names_are_made_with_their_certificate_and_shown_with_it(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        made = await make(place, "/certificates", **_pair("one"), snis=["b.test", "*.a.test"])
        assert made["snis"] == ["*.a.test", "b.test"]
        path = f"/certificates/{made['id']}"
        assert await _names(place) == made["snis"]
        for found in (path, "/certificates/b.test", "/snis/b.test/certificate"):
            assert (await place.ask("GET", found)).body == made
        assert (await place.ask("GET", "/certificates")).body["data"] == [made]
        assert len((await place.ask("GET", "/certificates/b.test/snis")).body["data"]) == 2
        assert len(await messages(place)) == 1, "one write, one release"
        plain = await make(place, "/certificates", **_pair("two"))
        assert plain["snis"] == []


async def test_a_change_says_all_names_or_leaves_them(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        pair = _pair("one")
        made = await make(place, "/certificates", **pair, snis=["a.test", "b.test"])
        path = f"/certificates/{made['id']}"
        kept = (await place.ask("GET", "/snis/b.test")).body
        changed = await place.ask("PATCH", path, {"snis": ["c.test", "b.test"]})
        assert changed.body["snis"] == ["b.test", "c.test"]
        assert (await place.ask("GET", "/snis/b.test")).body == kept
        assert (await place.ask("PATCH", path, {"tags": ["x"]})).body["snis"] == changed.body[
            "snis"
        ]
        assert (await place.ask("PUT", path, pair)).body["snis"] == changed.body["snis"]
        assert (await place.ask("PUT", path, {**pair, "snis": []})).body["snis"] == []
        assert await _names(place) == []


async def test_a_certificate_can_be_put_under_a_server_name(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        made = await place.ask("PUT", "/certificates/a.test", _pair("one"))
        assert (made.status, made.body["snis"]) == (200, ["a.test"])
        again = await place.ask("PUT", "/certificates/a.test", {**_pair("two"), "snis": ["b.test"]})
        assert again.body["id"] == made.body["id"]
        assert again.body["snis"] == ["a.test", "b.test"]
        assert (await place.ask("PATCH", "/certificates/none.test", {})).status == 404
        assert (await place.ask("GET", "/certificates/none.test")).status == 404
        assert (await place.ask("DELETE", "/certificates/b.test")).status == 204
        assert await _names(place) == []


async def test_names_that_cannot_be_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        first = await make(place, "/certificates", **_pair("one"), snis=["a.test"])
        taken = f"a.test already associated with existing certificate '{first['id']}'"
        pair = _pair("two")
        for given, wrong in (
            (["a.test"], taken),
            (["b.test", "b.test"], "b.test is duplicated"),
            (["b.test", "10.0.0.1"], {"2": "must not be an IP"}),
            ([""], {"1": "length must be at least 1"}),
            ([5], {"1": "expected a string"}),
            ({"a": 1}, "expected a set"),
        ):
            reply = await place.ask("POST", "/certificates", {**pair, "snis": given})
            assert (reply.status, reply.body["fields"]) == (400, {"snis": wrong}), reply
        assert len((await place.ask("GET", "/certificates")).body["data"]) == 1
        assert await _names(place) == ["a.test"]


def test_many_names_take_no_longer_than_they_have_to() -> None:
    names = [f"{at}.test" for at in range(50_000)]
    started = time.process_time()
    assert split_names({"snis": names})[1] == sorted(names)
    with pytest.raises(SchemaViolation, match="is duplicated"):
        split_names({"snis": [*names, "1.test"]})
    assert time.process_time() - started < 5
