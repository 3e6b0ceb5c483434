# SPDX-License-Identifier: Apache-2.0
"""Which content types are kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple


class MediaType(NamedTuple):
    """Type and subtype in lower case, and parameters: names in lower case, values as they are."""

    type: str
    subtype: str
    parameters: tuple[tuple[str, str], ...]


@lru_cache(maxsize=1024)
def media_type(text: str) -> MediaType | None:
    """Return a content type taken apart (RFC 9110, 8.3.1); None where it is none."""
    first, *rest = text.split(";")
    kind, slash, subtype = first.strip().lower().partition("/")
    if not slash or not kind or not subtype:
        return None
    parameters = []
    for part in rest:
        name, _, value = part.strip().partition("=")
        if name:
            parameters.append((name.strip().lower(), value.strip().strip('"')))
    return MediaType(kind, subtype, tuple(sorted(parameters)))


class ContentTypes:
    """A list of content types with wildcards."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._kept = [found for text in texts if (found := media_type(text)) is not None]

    def hold(self, text: str) -> bool:
        """Tell whether a response's Content-Type is one of them."""
        given = media_type(text)
        return given is not None and any(_matches(kept, given) for kept in self._kept)


def _matches(kept: MediaType, given: MediaType) -> bool:
    return (
        kept.type in ("*", given.type)
        and kept.subtype in ("*", given.subtype)
        and (kept.parameters == given.parameters or kept.parameters == (("*", ""),))
    )
