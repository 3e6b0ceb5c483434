# SPDX-License-Identifier: Apache-2.0
"""The table of the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"


def upgrade() -> None:
    """Make it."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "audit_requests",
        sa.Column("number", number, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("entry", sa.Text, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_audit_requests_at", "audit_requests", ["at"], if_not_exists=True)
