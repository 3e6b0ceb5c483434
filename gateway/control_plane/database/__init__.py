# SPDX-License-Identifier: Apache-2.0
"""The databases that a control plane may keep its releases in: SQLite and PostgreSQL."""
