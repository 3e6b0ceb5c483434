# SPDX-License-Identifier: Apache-2.0
"""What decK sends and must get, replayed in order against one control plane."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.control_plane import Place, Reply, running

pytestmark = pytest.mark.usefixtures("each_storage")

VECTORS = Path(__file__).parents[4] / "vectors" / "deck-http.json"


class Replay:
    """Replays vectors; ``<uuidN>`` stands for one UUID in all of them."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._ids: dict[str, str] = {}

    def bind(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self.bind(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.bind(item) for item in value]
        if not isinstance(value, str):
            return value
        value = re.sub(r"<uuid\d+>", lambda found: self._id(found[0]), value)
        hashed = re.fullmatch(r"sha1hex\('(.*)' \+ (.*)\)", value)
        if hashed is not None:
            return hashlib.sha1((hashed[1] + hashed[2]).encode()).hexdigest()
        return value

    def _id(self, name: str) -> str:
        return self._ids.setdefault(name, str(uuid4()))

    async def send(self, request: dict[str, Any]) -> Reply:
        request = self.bind(request)
        options: dict[str, Any] = {}
        if "raw_body" in request:
            options = {"data": request["raw_body"], "headers": request["headers"]}
        return await self._place.ask(
            request["method"], request["path"], request.get("json"), **options
        )

    def check(self, name: str, reply: Reply, expect: dict[str, Any]) -> None:
        expect = self.bind(expect)
        where = f"{name}: {reply.status} {reply.body!r}"
        assert reply.status in expect.get("status_in", [expect.get("status")]), where
        wanted = expect.get("json")
        assert wanted is None or _contains(reply.body, wanted), f"{where}\nexpected {wanted}"
        for field in expect.get("integers", ()):
            assert type(reply.body[field]) is int, where
        for field in expect.get("absent_or_null", ()):
            assert reply.body.get(field) is None, where
        for field in expect.get("json_has", ()) if reply.status >= 400 else ():
            assert field in reply.body, where
        fields = _fields(reply.body) if reply.status == 200 else {}
        for field, described in expect.get("has_fields", {}).items():
            assert _contains(fields[field], described), f"{where}: {field}"
        if "has_config_fields" in expect:
            settings = _fields(fields["config"])
            for field, described in expect["has_config_fields"].items():
                assert _contains(settings[field], described), f"{where}: {field}"


def _fields(shape: Any) -> dict[str, Any]:
    found = shape.get("fields", ()) if isinstance(shape, dict) else ()
    return {name: item for one in found for name, item in one.items()}


def _contains(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            name in found and _contains(found[name], item) for name, item in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(_contains(a, b) for a, b in zip(found, wanted, strict=True))
        )
    return bool(found == wanted) and isinstance(found, bool) == isinstance(wanted, bool)


async def test_deck_vectors(tmp_path: Path) -> None:
    vectors = json.loads(VECTORS.read_text())["deck_http"]
    assert len(vectors) == 40

    async with running(tmp_path) as place:
        replay = Replay(place)
        times: dict[str, int] = {}
        for vector in vectors:
            reply = await replay.send(vector["request"])
            replay.check(vector["id"], reply, vector["expect"])
            if vector["id"] == "D39":
                times = reply.body
            elif vector["id"] == "D40":
                assert reply.body == times, "the same request changes nothing"
