# SPDX-License-Identifier: Apache-2.0
"""Find or make the id, pass it on, and show it to the client where that is wanted."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from itertools import count
from time import time
from typing import Any
from uuid import uuid4

from gateway.http.headers import IDENTITY, spellings
from gateway.http.identity import next_id
from gateway.http.messages import Request, Response
from gateway.plugins.base import Handler, PluginContext

_good = re.compile(rb"[\x21-\x7e]{1,256}").fullmatch
_MOST_CONNECTIONS = 10_000


class CorrelationId(Handler):
    """One configuration; its counts are the worker's."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._shown: bytes = config.header_name.encode()
        self._name = self._shown.lower()
        self._names = frozenset(spellings(self._name))
        self._own = frozenset((self._name,))
        self._names_nobody = self._name not in IDENTITY
        self._make = _GENERATORS[config.generator]()
        if not config.echo_downstream:
            self.skips = ("header_filter",)

    def access(self, request: Request) -> None:
        """Keep the client's id when it is one, else set a new one for whoever comes after."""
        names = self._names
        for name, given in request.headers:
            if name in names:
                self._keep(request, given)
                return
        request.correlation_id = made = self._make(request)
        headers = [*request.headers, (self._name, made)]
        if request.headers is request.unclaimed and self._names_nobody:
            request.unclaimed = headers
        request.headers = headers
        others = request.own_headers
        request.own_headers = others | self._own if others else self._own

    def _keep(self, request: Request, given: bytes) -> None:
        """Keep the first of the client's ids, where it is one, and no other."""
        request.correlation_id = kept = given if _good(given) else self._make(request)
        found = [name for name, _ in request.headers if name in self._names]
        if kept is not given or len(found) > 1:
            request.put_headers([(self._name, kept)])

    def header_filter(self, request: Request, response: Response) -> None:
        """Set the header of the response, also where a plugin responded before ``access`` ran."""
        if request.correlation_id is None:
            self.access(request)
        lower = self._name
        response.headers = [pair for pair in response.headers if pair[0].lower() != lower]
        assert request.correlation_id is not None
        response.headers.append((self._shown, request.correlation_id))


Generator = Callable[[Request], bytes]


def _uuids() -> Generator:
    def make(_: Request) -> bytes:
        digits = next_id()
        # Version 4 and its variant (RFC 9562 section 5.4) in place of eight random bits.
        variant = b"89ab"[digits[16] & 3 :][:1]
        return b"%b-%b-4%b-%b%b-%b" % (
            digits[:8], digits[8:12], digits[13:16], variant, digits[17:20], digits[20:],
        )  # fmt: skip

    return make


_WORKER = str(uuid4()).encode()
_numbers = count(1)


def _forked() -> None:
    global _WORKER, _numbers
    _WORKER, _numbers = str(uuid4()).encode(), count(1)


os.register_at_fork(after_in_child=_forked)


def _counted() -> Generator:
    return lambda _: b"%b#%d" % (_WORKER, next(_numbers))


def _trackers() -> Generator:
    serials = count(1)
    known: dict[tuple[str, int, int], list[int]] = {}

    def make(request: Request) -> bytes:
        connection = request.connection
        key = (*connection.peer, connection.server_port)
        counts = known.get(key)
        if counts is None:
            if len(known) >= _MOST_CONNECTIONS:
                known.clear()
            counts = known[key] = [next(serials), 0]
        counts[1] += 1
        text = f"{connection.here}-{connection.server_port}-{os.getpid()}-{counts[0]}-{counts[1]}"
        return f"{text}-{time():.3f}".encode()

    return make


_GENERATORS: dict[str, Callable[[], Generator]] = {
    "uuid": _uuids,
    "uuid#counter": _counted,
    "tracker": _trackers,
}
