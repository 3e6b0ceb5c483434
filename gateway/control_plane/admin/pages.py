# SPDX-License-Identifier: Apache-2.0
"""Lists in pages, and their filter by tags (Kong 3.10 ``kong/api/endpoints.lua``)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from gateway.entities import Row
from gateway.errors import QueryError

DEFAULT_SIZE, MAX_SIZE = 100, 1000
_KEPT = ("size", "tags", "owner_tags", "expand_partials", "custom_id")
"""Arguments that the next page has to have too, to be one of the same list."""

T = TypeVar("T")


def page_size(query: Mapping[str, str]) -> int:
    """Return the number of items asked for; raises ``QueryError``."""
    text = query.get("size", str(DEFAULT_SIZE))
    size = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 1 <= size <= MAX_SIZE:
        message = f"invalid size: size must be an integer between 1 and {MAX_SIZE}"
        raise QueryError(9, "invalid size", message)
    return size


def number_in(text: str) -> int | None:
    """Return a number that a caller has written; None for another text, or a longer one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def page_before(query: Mapping[str, str]) -> int | None:
    """Return the number below which the page begins; None for the first. Raises ``QueryError``."""
    text = query.get("offset")
    number = None if text is None else number_in(text)
    if text is not None and number is None:
        raise QueryError(7, "invalid offset", f"'{text}' is not a valid offset")
    return number


def following(path: str, size: int, number: int) -> dict[str, str]:
    """Return what a page says of the next one, which begins below a number."""
    return {"offset": str(number), "next": f"{path}?offset={number}&size={size}"}


def page_start(query: Mapping[str, str]) -> str:
    """Return the id after which the page begins, as the page before named it, or an empty text."""
    text = query.get("offset", "")
    try:
        padded = text + "=" * (-len(text) % 4)
        return base64.b64decode(padded, b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise QueryError(7, "invalid offset", f"'{text}' is not a valid offset") from None


def page(
    rows: Sequence[Row], path: str, query: Mapping[str, str], show: Callable[[Row], T]
) -> dict[str, Any]:
    """Return a page of rows sorted by id: ``data``, ``next`` and, when there are more, ``offset``.

    Clients follow ``offset`` until it is absent; an empty text would have them go on for ever.
    """
    size, after = page_size(query), page_start(query)
    if "tags" in query:
        wanted = tag_filter(query["tags"])
        rows = [row for row in rows if wanted(row.get("tags") or ())]
    rest = [row for row in rows if str(row["id"]) > after] if after else rows
    shown = rest[:size]
    if len(rest) <= size:
        return {"data": [show(row) for row in shown], "next": None}
    offset = base64.urlsafe_b64encode(str(shown[-1]["id"]).encode()).decode().rstrip("=")
    kept = {name: query[name] for name in _KEPT if name in query}
    following = f"{quote(path, safe='/%')}?{urlencode({'offset': offset, **kept})}"
    return {"data": [show(row) for row in shown], "next": following, "offset": offset}


def tag_filter(text: str) -> Callable[[Sequence[str]], bool]:
    """Return the test for ``a,b`` (all of them) or ``a/b`` (any); raises ``QueryError``."""
    if ("," in text and "/" in text) or not text:
        message = "invalid option (tags: expected tags with either ',' or '/' between them)"
        raise QueryError(11, "invalid options", message)
    if "/" in text:
        some = frozenset(text.split("/"))
        return lambda tags: not some.isdisjoint(tags)
    every = frozenset(text.split(","))
    return lambda tags: every.issubset(tags)
