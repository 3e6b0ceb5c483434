# SPDX-License-Identifier: Apache-2.0
"""Request ids: unique over processes and restarts, and nearly free.

Kong's ids are 32 lower-case hex characters. Here the first 20 are random, drawn once per process;
the last 12 count requests. They are labels, not secrets: nobody may rely on guessing being hard.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count


def _sequence() -> Iterator[bytes]:
    prefix = os.urandom(10).hex().encode()
    # ``map`` over a bound ``%`` runs in C: no frame per request.
    return map((prefix + b"%012x").__mod__, count(1))


_ids = _sequence()


def next_id() -> bytes:
    """Return the next request id: 32 lower-case hex characters."""
    return next(_ids)


def _reseed() -> None:
    global _ids
    _ids = _sequence()


os.register_at_fork(after_in_child=_reseed)
