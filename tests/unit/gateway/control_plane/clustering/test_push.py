# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.control_plane.clustering.push import SentRows, prepare
from gateway.documents.document import to_table
from gateway.hybrid.config_hash import HashedRow, config_hash
from gateway.hybrid.config_table import config_table
from gateway.hybrid.frame import read_reconfigure, reconfigure_payload
from tests.support.cluster_listener import (
    joined,
    release,
    world,
)
from tests.support.documents import story
from tests.support.peer import ZEROS


async def test_a_configuration_is_gzip_with_hash_and_parts() -> None:
    async with world() as place:
        push = release()
        place.listener.push(push)
        async with joined(place) as peer:
            frame = await peer.frame()
            assert frame[:2] == b"\x1f\x8b"
            assert frame == push.payload
        async with joined(place) as peer:
            message = await peer.configuration()
    expected = {"type", "timestamp", "config_table", "config_hash", "hashes"}
    assert message.keys() == expected
    assert message["type"] == "reconfigure"
    assert message["config_hash"] == push.hash == config_hash(message["config_table"])[0]
    assert message["config_table"]["routes"][0]["name"] == "httpbinroute"


def test_an_empty_configuration_is_also_confirmed_by_zeros() -> None:
    push = prepare({})
    assert push.empty
    assert push.confirmed_by(push.hash)
    assert push.confirmed_by(ZEROS), "what Kong's own data planes report"
    assert not release().confirmed_by(ZEROS)


def test_rows_of_disabled_services_are_not_sent() -> None:
    table = to_table(story(), "stack-test", 1_700_000_000)
    table["services"][0]["enabled"] = False
    push = prepare(table)
    assert push.empty
    assert push.plugins == {}
    assert len(push.payload) == pytest.approx(len(reconfigure_payload(config_table({}))), abs=20)


@given(st.lists(st.dictionaries(st.integers(0, 9), st.text(max_size=3), max_size=6), max_size=5))
def test_what_is_shared_with_the_configuration_before_changes_nothing(
    contents: list[dict[int, str]],
) -> None:
    rows = SentRows()
    known: dict[tuple[int, str], dict[str, Any]] = {}
    for content in contents:
        services = [
            known.setdefault((n, path), {"id": str(n), "name": path, "tags": ["owner:a", path]})
            for n, path in sorted(content.items())
        ]
        table = {"services": services, "routes": []} if services else {}
        shared, alone = prepare(table, rows), prepare(table)
        plain = config_table(table)
        assert shared.hash == alone.hash == config_hash(plain)[0]
        assert read_reconfigure(shared.payload) == (plain, shared.hash)


def test_hashed_rows_are_hashed_like_plain_ones_over_the_bound_too() -> None:
    plain = [{"id": str(n), "name": "x" * 90_000, "tags": [None, True, 1.5]} for n in range(30)]
    hashed = [HashedRow(row) for row in plain]
    for _ in range(2):
        assert config_hash({"services": hashed}) == config_hash({"services": plain})
