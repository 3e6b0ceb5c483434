# SPDX-License-Identifier: Apache-2.0
"""The one collection of all tables of a control plane's database.

A module that declares tables adds them here, and to ``migrations/versions`` what makes them.
"""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()
