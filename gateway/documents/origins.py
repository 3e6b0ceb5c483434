# SPDX-License-Identifier: Apache-2.0
"""Which of several files something in what was read of them comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.documents.deck_lists import deck_key
from gateway.entities import ENTITIES
from gateway.errors import DocumentError
from gateway.names.property_paths import parse_path, split_problem


class FileOrigins:
    """The file of each entity and each key at the top of decK files that are read as one."""

    def __init__(self) -> None:
        self._files: list[str] = []
        self._keys: dict[str, list[str]] = {}
        self._items: dict[str, list[tuple[str, int]]] = {}
        self._named: dict[tuple[str, str], list[str]] = {}

    def note(self, name: str, raw: Mapping[str, Any]) -> None:
        """Note what a file has; call it in the order in which the files are put together."""
        self._files.append(name)
        for key, value in raw.items():
            self._keys.setdefault(key, []).append(name)
            items = self._items.setdefault(key, [])
            entity = ENTITIES.get(key)
            for place, item in enumerate(value if isinstance(value, list) else ()):
                if entity is not None and isinstance(item, Mapping):
                    called = str(deck_key(entity, item, len(items)))
                    self._named.setdefault((key, called), []).append(name)
                items.append((name, place))

    def named(self, problems: Iterable[str]) -> DocumentError:
        """Return the error of these problems, each with the file that it is in.

        Positions are those in that file. Where it cannot be told, all files are named.
        """
        return DocumentError([self._told(problem) for problem in problems])

    def _told(self, problem: str) -> str:
        try:
            key, *steps = parse_path(split_problem(problem)[0])
        except ValueError:
            return f"{', '.join(self._files)}: {problem}"
        name, first = str(key), steps[0] if steps else None
        items = self._items.get(name, [])
        if isinstance(first, int) and first < len(items):
            file, place = items[first]
            return f"{file}: {problem.replace(f'{name}[{first}]', f'{name}[{place}]', 1)}"
        found = self._named.get((name, str(first))) or self._keys.get(name) or self._files
        # What stands in two files is wrong in the one that says it again.
        file = ", ".join(found) if found is self._files else found[-1]
        return f"{file}: {problem}"
