# SPDX-License-Identifier: Apache-2.0
"""The table of tokens in the control plane's database; it holds no token, only its digest."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.control_plane.database.metadata import METADATA

TOKENS = sa.Table(
    "tokens",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    # SHA-256 of the token: it has 256 random bits, so that there is nothing to guess slowly.
    sa.Column("digest", sa.LargeBinary, nullable=False),
    # Lists in JSON.
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("owners", sa.Text, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    # Seconds since 1970.
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger),
    sa.Column("last_used", sa.BigInteger),
    sa.Column("revoked_at", sa.BigInteger),
)
