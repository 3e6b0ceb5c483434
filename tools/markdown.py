# SPDX-License-Identifier: Apache-2.0
"""Markdown as the written pages have it."""

from __future__ import annotations

import json
from typing import Any

WRITTEN = "<!-- Written by `make docs` from {source}; not edited by hand. -->"


def row(*cells: str) -> str:
    """Return one line of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def table(*heads: str) -> list[str]:
    """Return the head of a table."""
    return [row(*heads), "|" + "---|" * len(heads)]


def code(value: Any) -> str:
    """Return a value as code."""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"
