# SPDX-License-Identifier: Apache-2.0
"""Which media types are allowed (RFC 9110 section 8.3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple


class BodyType(NamedTuple):
    """A media type; names in lower case."""

    type: str
    subtype: str
    parameters: frozenset[tuple[str, str]]

    @property
    def is_json(self) -> bool:
        """Whether bodies of the type are JSON."""
        return (self.type, self.subtype) == ("application", "json") or self.subtype.endswith(
            "+json"
        )


def media_type(text: str) -> BodyType | None:
    """Return a Content-Type; None for what is none."""
    kind, *rest = text.split(";")
    first, slash, second = kind.strip().lower().partition("/")
    if not first or not slash or not second:
        return None
    parameters = set()
    for part in rest:
        name, _, value = part.partition("=")
        name, value = name.strip().lower(), value.strip().strip('"')
        if name:
            parameters.add((name, value.lower() if name == "charset" else value))
    return BodyType(first, second, frozenset(parameters))


class AllowedTypes:
    """The types of one configuration."""

    def __init__(self, entries: Sequence[str], *, parameters: bool) -> None:
        """``parameters``: they must be the same too."""
        self._allowed = [found for entry in entries if (found := media_type(entry)) is not None]
        self._parameters = parameters
        self.find = lru_cache(maxsize=256)(self._find)
        """Return the type of a Content-Type, None where it is not allowed; remembered."""

    def _find(self, text: str) -> BodyType | None:
        found = media_type(text)
        if found is None or not any(self._fits(found, allowed) for allowed in self._allowed):
            return None
        return found

    def _fits(self, found: BodyType, allowed: BodyType) -> bool:
        return (
            allowed.type in ("*", found.type)
            and allowed.subtype in ("*", found.subtype)
            and (not self._parameters or allowed.parameters == found.parameters)
        )
