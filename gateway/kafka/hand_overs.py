# SPDX-License-Identifier: Apache-2.0
"""Batches that come back as they went: all of them written, reported together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.kafka.batch import Batch

_MOST = 256
"""Batches that are remembered. Of one that is reported with others, nothing is heard by itself."""


class HandedOver(NamedTuple):
    """Which records a batch has, and how many bytes they are: values, keys and headers."""

    tokens: Sequence[int]
    size: int


class HandOvers:
    """Knows the batches that librdkafka was handed, until they are reported.

    librdkafka keeps the records for a partition in the order in which it got them, and reports them
    in that order. So when as many are reported as were handed over, and the first and the last of
    them are the first and the last of those, then they are the same. Nearly always they are: what
    is handed over together goes to one partition, unless it has keys, in one request.
    """

    def __init__(self) -> None:
        self._by_first: dict[int, HandedOver] = {}

    def add(self, batch: Batch) -> None:
        """Note what was handed over, and taken as a whole."""
        if len(self._by_first) >= _MOST:
            self._by_first.clear()
        self._by_first[batch.tokens[0]] = HandedOver(batch.tokens, batch.size)

    def written(self, messages: Sequence[Any]) -> HandedOver | None:
        """Return the batch that these reports are of, if they say that all of it is written."""
        first = messages[0]
        batch = self._by_first.pop(first._private, None)
        if batch is None or first.err:
            # librdkafka gives all records of a request one error, or several an error each.
            return None
        tokens, last = batch.tokens, messages[-1]
        whole = len(messages) == len(tokens) and last._private == tokens[-1] and not last.err
        return batch if whole else None

    def clear(self) -> None:
        """Forget all: nothing is in flight any more."""
        self._by_first.clear()
