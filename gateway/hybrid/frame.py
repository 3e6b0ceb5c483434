# SPDX-License-Identifier: Apache-2.0
"""The frame by which a data plane takes over a configuration: gzipped JSON, type ``reconfigure``.

Here is the one place that writes it and the one that reads it. It imports no entity models: a node
that starts from its cache has no need of them.
"""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.errors import ClusterError, ReleaseRefused
from gateway.hybrid.config_hash import config_hash, is_hash

_HEADER = frozenset({"_format_version", "_transform", "workspaces"})
"""What stands in a configuration beside its collections of entities."""
_GZIP = zlib.MAX_WBITS | 16
_LARGEST = 1 << 30
"""Bytes of a configuration after decompression; far above what a node could serve."""


def reconfigure_payload(sent: Mapping[str, Any], hashes: Mapping[str, str] | None = None) -> bytes:
    """Return the gzipped JSON message that makes a data plane take over a ``config_table``.

    An empty configuration keeps its own hash here, where Kong reports zeros: otherwise a data
    plane that took it over could not be told from one that has none. ``hashes`` are those of
    ``config_hash`` when they are known already.
    """
    parts = config_hash(sent)[1] if hashes is None else hashes
    message = {
        "type": "reconfigure",
        "timestamp": time.time(),
        "config_table": sent,
        "config_hash": parts["config"],
        "hashes": parts,
    }
    return gzip.compress(orjson.dumps(message), 6)


def read_reconfigure(frame: bytes) -> tuple[dict[str, Any], str] | None:
    """Return a frame's table and hash; None when it is something else than a configuration.

    A hash that is none of ours is computed. Raises ``ClusterError`` for bytes that are not the
    protocol's.
    """
    try:
        message = orjson.loads(zlib.decompressobj(_GZIP).decompress(frame, _LARGEST))
    except (zlib.error, orjson.JSONDecodeError) as error:
        raise ClusterError(f"the control plane sent a frame that cannot be read: {error}") from None
    if not isinstance(message, dict) or message.get("type") != "reconfigure":
        return None
    table = message.get("config_table")
    if not isinstance(table, dict):
        raise ClusterError("the control plane sent a configuration without a table")
    digest = message.get("config_hash")
    if is_hash(digest):
        return table, str(digest)
    try:
        return table, config_hash(table)[0]
    except RecursionError:
        raise ClusterError("the control plane sent a frame that is nested too deeply") from None


def hash_of(frame: bytes) -> str:
    """Return the hash of a frame's configuration, empty where there is none to be read."""
    try:
        found = read_reconfigure(frame)
    except Exception:  # asked of frames that something unexpected is wrong with
        return ""
    return "" if found is None else found[1]


def is_empty(table: Mapping[str, Any]) -> bool:
    """Tell whether a configuration as data planes get it has no entities."""
    return not any(rows for name, rows in table.items() if name not in _HEADER)


def check_form(table: Mapping[str, Any]) -> None:
    """Raise ``ReleaseRefused`` for collections that are no lists of records."""
    problems = [
        f"{name}: expected an array of records"
        for name, rows in table.items()
        if name not in _HEADER
        and not (isinstance(rows, list) and all(isinstance(row, dict) for row in rows))
    ]
    if problems:
        raise ReleaseRefused(problems)


def entity_rows(table: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the collections of entities alone, without what belongs to the frame."""
    return {
        name: [{key: value for key, value in row.items() if key != "ws_id"} for row in rows]
        for name, rows in table.items()
        if name not in _HEADER
    }
