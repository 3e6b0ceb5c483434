# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.control_plane.access.token_table import TOKENS
from gateway.control_plane.database.metadata import METADATA
from gateway.control_plane.store_tables import RELEASES


def test_all_tables_are_declared_in_one_collection() -> None:
    assert RELEASES.metadata is TOKENS.metadata is METADATA
