# SPDX-License-Identifier: Apache-2.0
"""Fields whose default Kong changed in 3.14.

They change together, by the setting ``compatibility_version``, and never one by one.
"""

from __future__ import annotations

import copy
from typing import Any

from pydantic import Field

from gateway.settings.compatibility import NEWER, is_newer


def by_version(old: Any, new: Any, *, description: str) -> Any:
    """Make a field whose default is ``old``, and ``new`` with compatibility version 3.14.

    Limits and hints stand in ``Annotated``, as for any other field.
    """

    def default() -> Any:
        return copy.deepcopy(new if is_newer() else old)

    note = f"With compatibility version {NEWER} the default is `{_shown(new)}`."
    return Field(default_factory=default, description=f"{description} {note}")


def _shown(value: Any) -> str:
    """Return a default as it stands in YAML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return str(value)
