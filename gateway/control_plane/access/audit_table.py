# SPDX-License-Identifier: Apache-2.0
"""The table of the audit log in the control plane's database."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.control_plane.database.metadata import METADATA

AUDIT_REQUESTS = sa.Table(
    "audit_requests",
    METADATA,
    # SQLite numbers rows by itself only where the type is its own integer.
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    # Seconds since 1970.
    sa.Column("at", sa.BigInteger, nullable=False, index=True),
    # JSON.
    sa.Column("entry", sa.Text, nullable=False),
)
