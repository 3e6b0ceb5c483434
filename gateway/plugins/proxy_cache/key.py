# SPDX-License-Identifier: Apache-2.0
"""Under what a response is kept: the key that clients see, and all else that decides.

The key is Kong's (kong/plugins/proxy-cache/cache_key.lua, 3.10), but for the HTTP version: Kong has
that of the request in it when there is no query, and so keeps one response for each; here it is
always 1.1. What Kong leaves out, and may decide what the upstream responds, tells *variants* of a
key apart: host, body, who asks, and the headers that the upstream names in Vary.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from operator import itemgetter

from gateway.http import arguments
from gateway.http.messages import Request


class KeyMaker:
    """Makes the key of one plugin's requests."""

    def __init__(
        self, params: Sequence[str] | None, headers: Sequence[str] | None, *, ignore_case: bool
    ) -> None:
        self._params = params or ()
        self._headers = [(name, name.lower().encode()) for name in headers or ()]
        self._ignore_case = ignore_case

    def key(self, request: Request) -> str:
        """Return 64 lower-case hexadecimal digits."""
        path = request.target.partition(b"?")[0].decode("latin-1")
        line = f"{request.method.decode('latin-1')} {path}"
        if b"?" not in request.target:
            line += " HTTP/1.1"
        if self._ignore_case:
            line = line.lower()
        parts = [
            _prefix(request),
            request.method.decode("latin-1"),
            line,
            self.params(request.query),
            self._of_headers(request),
        ]
        return sha256("|".join(parts).encode()).hexdigest()

    def params(self, query: bytes | None) -> str:
        """Return the part of the arguments: sorted, or those that were named in their order."""
        found = arguments.parse(query)
        names = [name for name in self._params if name in found] if self._params else sorted(found)
        return ":".join(_part(name, found[name]) for name in names)

    def variant(self, request: Request, names: Sequence[str]) -> str:
        """Return a digest of what tells requests of one key apart; ``names``: of Vary's headers."""
        digest = sha256()
        match = request.match
        path = request.upstream_path or (b"" if match is None else match.upstream_path)
        seen: list[bytes] = [
            (request.upstream_host or request.host or b"").lower(),
            request.forwarded_proto.encode(),
            request.upstream_method or request.method,
            path.lower() if self._ignore_case else path,
            self._query(request.query or b""),
            request.body,
            *_who(request),
        ]
        for name in names:
            raw = name.encode("latin-1")
            values = request.header_values(raw)
            seen += [raw, b"%d" % len(values), *values]
        for part in seen:
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.hexdigest()

    def _query(self, query: bytes) -> bytes:
        """Return the arguments that decide, as they are written; those of a name in their order.

        The key alone would not do: it reads the same for ``a=1:b=2`` and for ``a=1&b=2``.
        """
        found = [(arguments.decode(pair.partition(b"=")[0]), pair) for pair in query.split(b"&")]
        if self._params:
            found = [pair for pair in found if pair[0] in self._params]
        return b"&".join([raw for _, raw in sorted(found, key=itemgetter(0))])

    def _of_headers(self, request: Request) -> str:
        parts = []
        for name, raw in self._headers:
            values = [value.decode("latin-1") for value in request.header_values(raw)]
            if values:
                parts.append(f"{name}={','.join(sorted(values))}")
        return ":".join(parts)


def _who(request: Request) -> list[bytes]:
    """Return what says who asks, beside the consumer, who is in the key."""
    credential = request.credential
    known = credential.get("id") if hasattr(credential, "get") else credential
    said = repr([known, request.authenticated_groups, request.claims]).encode()
    return [said, *request.header_values(b"authorization")]


def _prefix(request: Request) -> str:
    match = request.match
    if match is None:
        return "default"
    route = str(match.route["id"])
    consumer = request.consumer
    return route if consumer is None else f"{consumer['id']}:{route}"


def _part(name: str, value: arguments.Argument | list[arguments.Argument]) -> str:
    if value is True:
        return name
    values = value if isinstance(value, list) else [value]
    return f"{name}={','.join(sorted(str(one) if one is not True else 'true' for one in values))}"
