# SPDX-License-Identifier: Apache-2.0
"""What brings a database from one form to the next: alembic's scripts, in ``versions``."""
