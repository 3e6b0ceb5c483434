# SPDX-License-Identifier: Apache-2.0
"""The way of nearly all traces: not recorded, and going on as one ``traceparent``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.http.headers import Headers
from gateway.kafka.batch import Header

_usual = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]([0-9a-f])").fullmatch
_SAMPLED = frozenset(b"%x" % digit for digit in range(1, 16, 2))
"""The last digit of flags whose lowest bit is set."""
_NO_TRACE, _NO_SPAN = b"0" * 32, b"0" * 16

Passing = tuple[Headers, tuple[Header, ...], bool]


class PassingTrace:
    """A trace that is not recorded. What it says is cut out of its header when somebody asks."""

    __slots__ = ("alone", "forms")

    sampled = False
    parent = root = b""
    topics: Sequence[str] = ()

    alone: tuple[Header, ...]
    """The record headers where nothing else makes any: one ``traceparent``."""
    forms: Sequence[str]
    """See ``Trace``."""

    @property
    def number(self) -> bytes:
        """The trace's id in hex."""
        return self.alone[0][1][3:35]

    @property
    def span(self) -> bytes:
        """The id that goes on, in hex."""
        return self.alone[0][1][36:52]

    @property
    def id(self) -> str:
        """The trace's id as text."""
        return self.number.decode()

    def on_record(self, chosen: list[Header]) -> Sequence[Header]:
        """Return a record's headers with that of the trace, unless it is there already."""
        if any(name.lower() == "traceparent" for name, _ in chosen):
            return chosen
        return [*chosen, *self.alone]


def passing_trace(
    headers: Headers,
    before: frozenset[bytes],
    behind: frozenset[bytes],
    number: bytes,
    drawn: bytes,
    follows: bool,
    last: int | None,
) -> Passing | None:
    """Return headers that go on, those of records, and whether the caller has sent its trace.

    None where the trace is recorded, or more has to be looked at: names in ``before`` came, which
    say something whatever ``traceparent`` does, or without a right one, names in ``behind``. A
    trace that begins here has the id ``number`` in hex, and is recorded if the number in it
    (``Sampler``) is ``last`` or less. ``drawn``: hex digits for the span. ``follows``: what the
    caller records is recorded.
    """
    came: bytes | None = None
    passed, others, at = list(headers), False, 0
    for place, (name, content) in enumerate(headers):
        if name == b"traceparent":
            if came is not None:
                return None
            came, at = content, place
            continue
        if name in before:
            return None
        others = others or name in behind
    if came is not None:
        match = _usual(came)
        if match is None:
            return None
        number, parent, flag = match.groups()
        recorded = follows and flag in _SAMPLED
        if recorded or number == _NO_TRACE or parent == _NO_SPAN:
            return None
    elif others or (last is not None and number_of(number) <= last):
        return None
    value = b"00-%b-%b-00" % (number, drawn[:16])
    if came is None:
        passed.append((b"traceparent", value))
    else:
        passed[at] = b"traceparent", value
    return passed, (("traceparent", value),), came is not None


def number_of(number: bytes) -> int:
    """Return the number by which a trace's id decides: its first eight bytes, the least first."""
    return int.from_bytes(bytes.fromhex(number[:16].decode()), "little")
