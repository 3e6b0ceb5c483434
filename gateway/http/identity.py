# SPDX-License-Identifier: Apache-2.0
"""Request ids: random, unique over processes and restarts, and nearly free.

Kong's ids are 32 lower-case hex characters; so are these, 128 random bits each. An id tells
nothing: not how many requests there were, nor what the next one will be.
"""

from __future__ import annotations

import os
import struct
from binascii import hexlify
from collections.abc import Iterator
from itertools import chain, repeat

_BLOCK = 256
"""Ids drawn at once: one call of the kernel's generator for 4 KiB."""
_cut = struct.Struct("32s" * _BLOCK).unpack


def _drawn() -> Iterator[bytes]:
    # Iterators over functions in C: no frame and no system call per request.
    blocks = map(os.urandom, repeat(16 * _BLOCK))
    return chain.from_iterable(map(_cut, map(hexlify, blocks)))


ids = _drawn()
"""The ids of this process; replaced in a forked child, so always reach it through the module."""


def next_id() -> bytes:
    """Return the next request id: 32 lower-case hex characters."""
    return next(ids)


def _redraw() -> None:
    global ids
    ids = _drawn()


os.register_at_fork(after_in_child=_redraw)
