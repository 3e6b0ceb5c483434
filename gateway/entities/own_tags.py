# SPDX-License-Identifier: Apache-2.0
"""Tags that the gateway puts on entities for itself: whose an entity is, and its key.

They are for the control plane and its API. Data planes get configurations without them, so that
no record, header or log of a request holds one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OWNER = "owner:"
KEY = "key:"


def is_own_tag(tag: str) -> bool:
    """Tell whether a tag is one of ours, which users may not set."""
    return tag.startswith((OWNER, KEY))


def without_own_tags(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an entity without our tags; null where it has no others."""
    tags = row.get("tags")
    if not tags or not any(map(is_own_tag, tags)):
        return row
    return {**row, "tags": [tag for tag in tags if not is_own_tag(tag)] or None}
