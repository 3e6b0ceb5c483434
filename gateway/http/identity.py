# SPDX-License-Identifier: Apache-2.0
"""Request ids: unique over processes and restarts, and nearly free.

Kong's ids are 32 lower-case hex characters. Here the first 20 are random, drawn once per process;
the last 12 count requests. They are labels, not secrets: nobody may rely on guessing being hard.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain, count

_LAST = [b"%03x" % number for number in range(4096)]


def _sequence() -> Iterator[bytes]:
    prefix = os.urandom(10).hex().encode()
    # Iterators over bound methods run in C: no frame, no formatting per request.
    return chain.from_iterable(map((prefix + b"%09x" % block).__add__, _LAST) for block in count())


ids = _sequence()
"""The ids of this process; replaced in a forked child, so always reach it through the module."""


def next_id() -> bytes:
    """Return the next request id: 32 lower-case hex characters."""
    return next(ids)


def _reseed() -> None:
    global ids
    ids = _sequence()


os.register_at_fork(after_in_child=_reseed)
