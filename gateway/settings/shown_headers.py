# SPDX-License-Identifier: Apache-2.0
"""The words of the setting ``headers``, and the headers of a response that each stands for.

They are Kong's (kong.conf of 3.10, "headers"). This module imports next to nothing: settings are
read before anything else is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable

_GROUPS = {
    "server_tokens": ("server", "via"),
    "latency_tokens": (
        "x-kong-proxy-latency",
        "x-kong-response-latency",
        "x-kong-upstream-latency",
    ),
    "off": (),
}
_NAMES = (
    *(name for group in _GROUPS.values() for name in group),
    "x-kong-request-id",
    "x-kong-upstream-status",
)
DEFAULT_WORDS = ("server_tokens", "latency_tokens", "X-Kong-Request-Id")


def shown_headers(words: Iterable[str]) -> frozenset[str]:
    """Return the names, in lower case, that the words stand for; the words' case does not matter.

    Raises ``ValueError`` for a word that is none of them.
    """
    shown: set[str] = set()
    for word in words:
        name = word.lower()
        if name not in _GROUPS and name not in _NAMES:
            raise ValueError(f'"{word}" is not one of {", ".join((*_GROUPS, *_NAMES))}')
        shown.update(_GROUPS.get(name, (name,)))
    return frozenset(shown)
