# SPDX-License-Identifier: Apache-2.0
"""The trace that a request is part of, and whether it is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.kafka.batch import Header
from gateway.kafka.written import WrittenRecords
from gateway.plugins.opentelemetry.passing import number_of

_IDS = 1 << 64


class ParentContext(NamedTuple):
    """What a request's headers say of its trace. Ids in lower-case hex, of full length."""

    trace: bytes = b""
    """32 characters; empty where only the decision came along."""
    span: bytes = b""
    """16 characters; empty where the caller has no span."""
    sampled: bool | None = None
    """The caller's decision; None: it left it open."""
    single: bool = False
    """B3 came in its single header."""


NO_PARENT = ParentContext()


class Trace:
    """Made where ``PassingTrace`` does not do: the trace is recorded, or goes on in other headers.

    ``number`` is the trace's id, ``span`` the id that goes on, to the upstream or with records;
    both in hex, as ``parent``, which is empty where there is none. ``forms`` are the formats in
    which the request's headers say it; of a trace that begins here only if it is recorded.
    """

    __slots__ = ("__dict__", "forms", "number", "parent", "sampled", "span")

    root = b""
    """The request's own span, where the trace is sampled."""
    topics: Sequence[str] = ()
    """Where the records of a sampled request go."""

    written: WrittenRecords | None = None
    """Takes where they are written, of one record for each topic; None where nothing is told."""

    injected: Sequence[tuple[bytes, bytes]] = ()
    """The headers that go on."""

    def __init__(self, number: bytes, span: bytes, sampled: bool) -> None:
        self.number = number
        self.span = span
        self.parent = b""
        self.sampled = sampled
        self.forms: Sequence[str] = ()

    @property
    def id(self) -> str:
        """The trace's id as text."""
        return self.number.decode()

    def on_record(self, chosen: list[Header]) -> list[Header]:
        """Return a record's headers with those of the trace, unless they are there already."""
        added = [(name.decode("latin-1"), value) for name, value in self.injected]
        if not chosen:
            return added
        names = {name.lower() for name, _ in chosen}
        return chosen + [pair for pair in added if pair[0] not in names]


class Sampler:
    """Decides which traces are recorded.

    A caller's decision holds (W3C Trace Context section 3.3): one that is not recorded stays so,
    and one that is recorded is not cut here, unless the rate is 0. Without one the trace's id
    decides, so that all that see it decide alike: Kong's test takes the first eight bytes as a
    little-endian number (``kong/tracing``).
    """

    def __init__(self, rate: float, *, follows: bool) -> None:
        """``follows``: the caller's decision holds at a rate of 0 as well."""
        bound = int(rate * _IDS)
        self.last = bound - 1 if bound else None
        """The greatest number of an id that is recorded without a caller's decision."""
        self.keeps = follows or rate > 0
        """What a caller records is recorded."""

    def decides(self, number: bytes, caller: bool | None = None) -> bool:
        """Tell whether a trace is recorded; ``number`` is its id in hex."""
        if caller is not None:
            return caller and self.keeps
        return self.last is not None and number_of(number) <= self.last
