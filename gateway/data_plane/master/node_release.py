# SPDX-License-Identifier: Apache-2.0
"""A release as a node holds it: what came in one frame, or from a declarative file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.errors import ReleaseRefused
from gateway.hybrid.frame import entity_rows, is_empty, read_reconfigure

_FORMATS = ("1.1", "2.1", "3.0")


@dataclass(frozen=True)
class NodeRelease:
    """One configuration. ``table`` is its JSON, collection to flat rows, as workers get it."""

    hash: str
    table: bytes
    empty: bool
    frame: bytes = field(default=b"", repr=False)
    """What came from the control plane; empty for a declarative file."""


def parse_frame(frame: bytes) -> NodeRelease | None:
    """Read a frame from the control plane; None when it is something else than a configuration.

    Raises ``ClusterError`` for bytes that are not the protocol's.
    """
    found = read_reconfigure(frame)
    return None if found is None else make_release(*found, frame)


def make_release(table: Mapping[str, Any], digest: str, frame: bytes = b"") -> NodeRelease:
    """Make the release of a table."""
    return NodeRelease(digest, orjson.dumps(table), is_empty(table), frame)


def check_release(release: NodeRelease) -> None:
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
