# SPDX-License-Identifier: Apache-2.0
"""All tables of the control plane's database: what backups hold, and migrations make."""

from __future__ import annotations

from gateway.control_plane.access.audit_table import AUDIT_REQUESTS
from gateway.control_plane.access.token_table import TOKENS
from gateway.control_plane.database.metadata import METADATA
from gateway.control_plane.store_tables import DATA_PLANES, ENTITIES_TABLE, NOTES, RELEASES

__all__ = [
    "AUDIT_REQUESTS",
    "DATA_PLANES",
    "ENTITIES_TABLE",
    "METADATA",
    "NOTES",
    "RELEASES",
    "TOKENS",
]
