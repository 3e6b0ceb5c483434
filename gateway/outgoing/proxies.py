# SPDX-License-Identifier: Apache-2.0
"""Which proxy a URL is reached through, by the fields that Kong's plugins have for it."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit


class ForwardProxy(NamedTuple):
    """``url``: None for what the environment says, the empty string for no proxy at all."""

    url: str | None = None
    authorization: str | None = None
    """The header Proxy-Authorization."""

    def __repr__(self) -> str:
        """Leave out the credentials."""
        return f"ForwardProxy(url={self.url!r})"


BY_ENVIRONMENT = ForwardProxy()


def proxy_for(
    url: str,
    *,
    http: ForwardProxy,
    https: ForwardProxy,
    excepted: str | None,
) -> ForwardProxy:
    """Return the proxy for a URL; ``excepted`` is a list of hosts as ``no_proxy`` has it.

    A URL that is none needs no proxy: fetching it says what is wrong with it.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ForwardProxy("")
    proxy = https if parts.scheme == "https" else http
    if proxy.url is None:
        return BY_ENVIRONMENT
    return ForwardProxy("") if _is_excepted(parts.hostname or "", excepted or "") else proxy


def _is_excepted(host: str, excepted: str) -> bool:
    """Tell whether a host or a domain above it is in a list; ``*`` is all of them."""
    names = [name.strip().lower().lstrip(".") for name in excepted.split(",")]
    return "*" in names or any(name and f".{host}".endswith(f".{name}") for name in names)
