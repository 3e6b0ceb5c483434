# SPDX-License-Identifier: Apache-2.0
"""The way of nearly all traces: not recorded, and going on as one ``traceparent``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from gateway import native
from gateway.http import identity
from gateway.http.messages import Request
from gateway.kafka.batch import Header

_usual = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})").fullmatch
_NO_TRACE, _NO_SPAN = b"0" * 32, b"0" * 16
# Final: what is not, compiled code looks up by name each time.
_NAME: Final = b"traceparent"
_OWN: Final = frozenset({_NAME})
_FIRST: Final = ord("o")
_B: Final = ord("b")
"""The names of all formats begin with this, or with a letter from ``_FIRST`` on."""
_SAMPLED: Final = 1
"""The lowest bit of the flags."""
_W3C: Final = ("w3c",)
_NONE: Final[Sequence[str]] = ()


class PassingTrace:
    """A trace that is not recorded. What it says is cut out of its header when somebody asks."""

    __slots__ = ("_value", "forms")

    sampled: ClassVar[bool] = False
    parent: ClassVar[bytes] = b""
    root: ClassVar[bytes] = b""
    topics: ClassVar[Sequence[str]] = ()

    def __init__(self, value: bytes, forms: Sequence[str]) -> None:
        self._value = value
        self.forms = forms
        """See ``Trace``."""

    @property
    def number(self) -> bytes:
        """The trace's id in hex."""
        return self._value[3:35]

    @property
    def span(self) -> bytes:
        """The id that goes on, in hex."""
        return self._value[36:52]

    @property
    def id(self) -> str:
        """The trace's id as text."""
        return self.number.decode()

    def on_record(self, chosen: list[Header]) -> Sequence[Header]:
        """Return a record's headers with that of the trace, unless it is there already."""
        if any(name.lower() == "traceparent" for name, _ in chosen):
            return chosen
        return [*chosen, ("traceparent", self._value)]


class PassingTraces:
    """Has those go on that are not recorded.

    ``before`` are names of headers that say something whatever ``traceparent`` does, ``behind``
    those that do where there is no right one. ``keeps``: what the caller records is recorded.
    ``last``: the greatest number of an id (``number_of``) that is recorded without a caller's
    decision; None: none is. ``record`` takes the requests whose caller records their trace, with
    their ``traceparent``, and ``otherwise`` all of which more has to be looked at.
    """

    def __init__(
        self,
        before: frozenset[bytes],
        behind: frozenset[bytes],
        keeps: bool,
        last: int | None,
        record: Callable[[Request, bytes], None],
        otherwise: Callable[[Request], None],
    ) -> None:
        self._before = before
        self._known = _OWN | before | behind
        self._keeps = keeps
        self._last = last
        self._record = record
        self._otherwise = otherwise
        self._flags = native.traceparent_flags

    def take(self, request: Request) -> None:
        """Put the context of this hop where the next one looks.

        A ``traceparent`` that is not recorded goes on as it came (W3C Trace Context, section 4.3:
        who takes no part in a trace passes it on as it is): there is no span of ours that would
        be its parent.
        """
        came: bytes | None = None
        known, others = self._known, False
        for name, content in request.headers:
            # Most names are told by their beginning; to look one up costs more.
            first = name[0] if len(name) else 0
            if (first >= _FIRST or first == _B) and name in known:
                if name == _NAME and came is None:
                    came = content
                elif name == _NAME or name in self._before:
                    # It came twice, or something that counts beside it.
                    self._otherwise(request)
                    return
                else:
                    others = True
        if came is None:
            if others or not self._begins(request):
                self._otherwise(request)
            return
        read = self._flags
        flags = read(came)
        if flags is None:
            flags = traceparent_flags(came)
        if flags & _SAMPLED == 0:
            _pass(request, came, _W3C)
        elif flags < 0:
            self._otherwise(request)
        elif self._keeps:
            self._record(request, came)
        else:
            # The decision is another one than the caller's, so it is a span's of ours.
            value = b"00-%b-%b-00" % (came[3:35], identity.next_id()[:16])
            request.headers = [
                (name, value if name == _NAME else content) for name, content in request.headers
            ]
            _pass(request, value, _W3C)

    def _begins(self, request: Request) -> bool:
        """Begin a trace that is not recorded, or return False.

        A request's id is as random as a trace's, and one id for both makes logs and traces meet.
        """
        number, last = request.id, self._last
        if last is not None and number_of(number) <= last:
            return False
        value = b"00-%b-%b-00" % (number, identity.next_id()[:16])
        request.headers = [*request.headers, (_NAME, value)]
        _pass(request, value, _NONE)
        return True


def _pass(request: Request, value: bytes, forms: Sequence[str]) -> None:
    request.trace = PassingTrace(value, forms)
    request.passing = (("traceparent", value),)
    own = request.own_headers
    request.own_headers = own | _OWN if own else _OWN


def traceparent_flags(content: bytes) -> int:
    """Return the flags of a ``traceparent`` of version 00 in lower case; -1 where it is none."""
    match = _usual(content)
    if match is None or match[1] == _NO_TRACE or match[2] == _NO_SPAN:
        return -1
    return int(match[3], 16)


def number_of(number: bytes) -> int:
    """Return the number by which a trace's id decides: its first eight bytes, the least first."""
    return int.from_bytes(bytes.fromhex(number[:16].decode()), "little")
