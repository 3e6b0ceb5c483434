# SPDX-License-Identifier: Apache-2.0
"""A release as a data plane holds it: what came in one frame of the hybrid protocol."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.errors import ClusterError, ReleaseRefused

NO_CONFIGURATION = "0" * 32
"""The hash of a node that never had a configuration."""

_HEADER = frozenset({"_format_version", "_transform", "workspaces"})
_FORMATS = ("1.1", "2.1", "3.0")
_GZIP = zlib.MAX_WBITS | 16
_LARGEST = 1 << 30
"""Bytes of a configuration after decompression; far above what a node could serve."""


@dataclass(frozen=True)
class Release:
    """One configuration. ``table`` is its JSON, collection to flat rows, as workers get it."""

    hash: str
    table: bytes
    empty: bool
    frame: bytes = field(default=b"", repr=False)
    """What came from the control plane; empty for a declarative file."""


def parse_frame(frame: bytes) -> Release | None:
    """Read a frame from the control plane; None when it is something else than a configuration.

    Raises ``ClusterError`` for bytes that are not the protocol's.
    """
    decompressor = zlib.decompressobj(_GZIP)
    try:
        text = decompressor.decompress(frame, _LARGEST)
        message = orjson.loads(text)
    except (zlib.error, orjson.JSONDecodeError) as error:
        raise ClusterError(f"the control plane sent a frame that cannot be read: {error}") from None
    if not isinstance(message, dict) or message.get("type") != "reconfigure":
        return None
    table = message.get("config_table")
    if not isinstance(table, dict):
        raise ClusterError("the control plane sent a configuration without a table")
    digest = message.get("config_hash")
    if not isinstance(digest, str) or len(digest) != len(NO_CONFIGURATION):
        digest = _hash(table)
    return make_release(table, digest, frame)


def make_release(table: Mapping[str, Any], digest: str, frame: bytes = b"") -> Release:
    """Make the release of a table."""
    empty = not any(rows for name, rows in table.items() if name not in _HEADER)
    return Release(digest, orjson.dumps(table), empty, frame)


def entity_rows(table: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the collections of entities alone, without what belongs to the frame."""
    return {
        name: [{key: value for key, value in row.items() if key != "ws_id"} for row in rows]
        for name, rows in table.items()
        if name not in _HEADER
    }


def check_release(release: Release) -> None:
    """Check a release that came from outside as a whole: shapes, references, uniqueness.

    Takes about 50 µs an entity; run it beside the event loop. Raises ``ReleaseRefused``.
    """
    # Imported here: a node that starts from its cache has no need of the models.
    from gateway.data_plane.master.checking import check_rows

    table = orjson.loads(release.table)
    version = table.get("_format_version", "3.0")
    if version not in _FORMATS:
        raise ReleaseRefused([f"_format_version: {version} is not one of {', '.join(_FORMATS)}"])
    check_rows(entity_rows(table))


def _hash(table: Mapping[str, Any]) -> str:
    from gateway.hybrid.configuration import config_hash

    return config_hash(table)[0]
