# SPDX-License-Identifier: Apache-2.0
"""A release as a node holds it: what came in one frame, or from a declarative file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.errors import ReleaseRefused
from gateway.hybrid.frame import check_form, entity_rows, is_empty, read_reconfigure

_BALANCED = ("upstreams", "targets", "certificates")
_FORMATS = ("1.1", "2.1", "3.0")


@dataclass(frozen=True)
class NodeRelease:
    """One configuration. ``table`` is its JSON, collection to flat rows, as workers get it."""

    hash: str
    table: bytes
    empty: bool
    frame: bytes = field(default=b"", repr=False)
    """What came from the control plane; empty for a declarative file."""
    balanced: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict, repr=False)
    """The flat rows of upstreams and targets, and with any of these the certificates."""
    upstream_metrics: bool = False
    """Whether a plugin ``prometheus`` has the health of targets shown."""


def parse_frame(frame: bytes) -> NodeRelease | None:
    """Read a frame from the control plane; None when it is something else than a configuration.

    Raises ``ClusterError`` for bytes that are not the protocol's, and ``ReleaseRefused`` for a
    configuration that cannot be one.
    """
    found = read_reconfigure(frame)
    if found is None:
        return None
    try:
        check_form(found[0])
        return make_release(*found, frame)
    except ReleaseRefused as error:
        error.hash = found[1]
        raise


def make_release(table: Mapping[str, Any], digest: str, frame: bytes = b"") -> NodeRelease:
    """Make the release of a table."""
    balanced = {}
    if table.get("upstreams"):
        balanced = {name: table.get(name) or () for name in _BALANCED}
    shown = any(map(_shows_upstreams, table.get("plugins") or ()))
    try:
        content = orjson.dumps(table)
    except TypeError:  # orjson reads four times as many levels as it writes
        raise ReleaseRefused(["the configuration is nested too deeply"]) from None
    return NodeRelease(digest, content, is_empty(table), frame, balanced, shown)


def _shows_upstreams(row: Mapping[str, Any]) -> bool:
    if row.get("name") != "prometheus" or row.get("enabled") is False:
        return False
    return bool((row.get("config") or {}).get("upstream_health_metrics"))


def check_release(release: NodeRelease) -> None:
    """Check a release that came from outside as a whole: shapes, references, uniqueness.

    Takes about 50 µs an entity; run it beside the event loop. Raises ``ReleaseRefused``.
    """
    # Imported here: a node that starts from its cache has no need of the models.
    from gateway.data_plane.master.checking import check_rows

    table = orjson.loads(release.table)
    version = table.get("_format_version", "3.0")
    try:
        if version not in _FORMATS:
            known = ", ".join(_FORMATS)
            raise ReleaseRefused([f"_format_version: {version} is not one of {known}"])
        check_rows(entity_rows(table))
    except ReleaseRefused as error:
        error.hash = release.hash
        raise
