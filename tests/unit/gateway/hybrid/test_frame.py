# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from gateway.documents.document import to_table
from gateway.errors import ClusterError, ReleaseRefused
from gateway.hybrid.config_hash import config_hash
from gateway.hybrid.config_table import config_table
from gateway.hybrid.frame import (
    check_form,
    entity_rows,
    hash_of,
    is_empty,
    read_reconfigure,
    reconfigure_payload,
)
from tests.support.documents import story


def frame(message: Any) -> bytes:
    return gzip.compress(json.dumps(message).encode(), mtime=0)


def test_the_payload_is_gzipped_json_with_hashes() -> None:
    sent = config_table(to_table(story(), "o", 1))
    payload = reconfigure_payload(sent)
    assert payload[:2] == b"\x1f\x8b"
    message = json.loads(gzip.decompress(payload))
    assert set(message) == {"type", "timestamp", "config_table", "config_hash", "hashes"}
    assert message["config_table"] == sent
    assert message["config_hash"] == message["hashes"]["config"] == config_hash(sent)[0]


def test_what_is_written_is_read() -> None:
    sent = config_table(to_table(story(), "o", 1))
    assert read_reconfigure(reconfigure_payload(sent)) == (sent, config_hash(sent)[0])


def test_a_frame_without_a_hash_gets_one() -> None:
    table = config_table(to_table(story(), "o", 1))
    found = read_reconfigure(frame({"type": "reconfigure", "config_table": table}))
    assert found == (table, config_hash(table)[0])


def test_a_hash_is_told_of_what_has_one() -> None:
    sent = config_table(to_table(story(), "o", 1))
    assert hash_of(reconfigure_payload(sent)) == config_hash(sent)[0]
    assert [hash_of(one) for one in (b"", b"plain", frame({"type": "something"}))] == [""] * 3


def test_frames_of_another_type_are_passed_over() -> None:
    assert read_reconfigure(frame({"type": "something"})) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"plain", gzip.compress(b"{", mtime=0), frame([1])[:10]],
    ids=["empty", "plain", "no JSON", "cut"],
)
def test_bytes_that_are_no_frame_are_an_error_of_the_protocol(content: bytes) -> None:
    with pytest.raises(ClusterError, match="cannot be read"):
        read_reconfigure(content)


def test_a_reconfigure_without_a_table_is_an_error_of_the_protocol() -> None:
    with pytest.raises(ClusterError, match="without a table"):
        read_reconfigure(frame({"type": "reconfigure"}))


def test_entities_are_what_is_neither_header_nor_workspace() -> None:
    sent = config_table(to_table(story(), "o", 1))
    rows = entity_rows(sent)
    assert rows.keys() == {"services", "routes", "plugins"}
    assert not any("ws_id" in row for collection in rows.values() for row in collection)
    assert is_empty({**sent, **{name: [] for name in rows}})


@pytest.mark.parametrize("digest", [None, 5, "", "0" * 31, "é" * 32, "\0" * 32, "G" * 32])
def test_a_hash_that_is_none_is_computed(digest: Any) -> None:
    table = config_table(to_table(story(), "o", 1))
    message = {"type": "reconfigure", "config_table": table, "config_hash": digest}
    assert read_reconfigure(frame(message)) == (table, config_hash(table)[0])


def test_a_frame_that_is_nested_too_deeply_to_be_hashed_is_an_error_of_the_protocol() -> None:
    deep = b"[" * 1000 + b"]" * 1000
    content = b'{"type":"reconfigure","config_table":{"services":%b}}' % deep
    with pytest.raises(ClusterError, match="nested too deeply"):
        read_reconfigure(gzip.compress(content, mtime=0))


@pytest.mark.parametrize("rows", [None, 5, "abc", {"a": {}}, ["a"], [None], [[]]])
def test_collections_are_lists_of_records(rows: Any) -> None:
    with pytest.raises(ReleaseRefused, match="services: expected an array of records"):
        check_form({"_format_version": "3.0", "services": rows, "routes": [{}]})
