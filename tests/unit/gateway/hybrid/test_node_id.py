# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from uuid import UUID

from gateway.hybrid.node_id import node_id


def test_the_node_id_is_the_same_after_a_restart(tmp_path: Path) -> None:
    first = node_id(tmp_path / "prefix")
    assert UUID(first)
    assert node_id(tmp_path / "prefix") == first
    assert (tmp_path / "prefix" / "kong.id").read_text().strip() == first


def test_a_damaged_id_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "kong.id").write_text("nonsense")
    assert UUID(node_id(tmp_path))
