# SPDX-License-Identifier: Apache-2.0
"""Finding the first matching entry."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.routing.conditions import Subject
from gateway.routing.entry import Entry


class Index:
    """Entries in matching order, and the way to the first that matches."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = tuple(entries)

    def find(self, subject: Subject) -> Entry | None:
        """Return the entry of lowest rank that matches."""
        for entry in self._entries:
            if entry.matches(subject):
                return entry
        return None
