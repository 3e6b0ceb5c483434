# SPDX-License-Identifier: Apache-2.0
"""Which errors say that a broker refused a batch for what is in it, and what of it is to blame.

A broker refuses a batch as a whole: nothing of it was written. Java's client splits batches that
are too large (KIP-126) and fails all records of those that are invalid; librdkafka fails all
records of either. From Kafka 2.4 on brokers name the records that were invalid (KIP-467), and
librdkafka then gives the others an error of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_INVALID_DIFFERENT_RECORD = -138
_INVALID_MSG = 2
_INVALID_MSG_SIZE = 4
_MSG_SIZE_TOO_LARGE = 10
_RECORD_LIST_TOO_LARGE = 18
_INVALID_TIMESTAMP = 32
_UNSUPPORTED_FOR_MESSAGE_FORMAT = 43
_POLICY_VIOLATION = 44
_INVALID_RECORD = 87

TOO_LARGE = frozenset({_MSG_SIZE_TOO_LARGE, _RECORD_LIST_TOO_LARGE})
REFUSALS = TOO_LARGE | {
    _INVALID_DIFFERENT_RECORD,
    _INVALID_MSG,
    _INVALID_MSG_SIZE,
    _INVALID_TIMESTAMP,
    _UNSUPPORTED_FOR_MESSAGE_FORMAT,
    _POLICY_VIOLATION,
    _INVALID_RECORD,
}
"""Error codes after which the records of a batch are worth sending again in smaller ones."""


def guilty_of(messages: Sequence[Any]) -> list[Any]:
    """Return the records that are known to be to blame; none where that is not known.

    librdkafka gives the others an error of their own only when a broker has named several. With
    one, or all, or none named every record of the batch has the same error.
    """
    guilty = [message for message in messages if message.err != _INVALID_DIFFERENT_RECORD]
    return guilty if len(guilty) < len(messages) else []
