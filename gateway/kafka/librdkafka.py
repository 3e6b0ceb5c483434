# SPDX-License-Identifier: Apache-2.0
"""The C library that confluent-kafka ships, called directly.

Why not ``confluent_kafka.Producer``: it hands out each delivery report through a Python callback,
from whichever thread polls, and shows neither librdkafka's queue as a file descriptor nor its event
interface. With both, the event loop wakes up once for many reports, logs, errors and token
refreshes arrive the same way, nothing of librdkafka ever calls into Python, and a batch of records
goes in with one call. Only the stable public C API (``rdkafka.h``) is used, so any librdkafka 2.x
will do.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gateway.errors import ProduceError
from gateway.kafka._rdkafka import ffi as _ffi

PRODUCER = 0
PARTITION_UNASSIGNED = -1
COPY = 2
"""Message flag: librdkafka makes a copy of the value."""
EVENT_DELIVERY = 0x1
EVENT_LOG = 0x4
EVENT_ERROR = 0x8
EVENT_OAUTHBEARER_TOKEN_REFRESH = 0x100
DESTROYED = -197
"""``RD_KAFKA_RESP_ERR__DESTROY``: the client is of no use any more."""
PURGE_QUEUE = 0x1
PURGE_ALL = 0x1 | 0x2
"""``rd_kafka_purge``: what waits in queues, and also what is in flight."""

VU_RKT = 2
VU_PARTITION = 3
VU_VALUE = 4
VU_KEY = 5
VU_OPAQUE = 6
VU_MSGFLAGS = 7
VU_HEADER = 9


def _path() -> str:
    """Return the library's file: beside the package in wheels for Linux, inside it for macOS."""
    spec = find_spec("confluent_kafka")
    if spec is None or spec.origin is None:
        raise ImportError("confluent-kafka is not installed")
    package = Path(spec.origin).parent
    for pattern in ("../confluent_kafka.libs/librdkafka*.so*", ".dylibs/librdkafka*.dylib"):
        for file in sorted(package.glob(pattern)):
            return str(file.resolve())
    # Built from source against the system's library.
    return "librdkafka.1.dylib" if sys.platform == "darwin" else "librdkafka.so.1"


ffi: Any = _ffi
lib: Any = ffi.dlopen(_path())


def text(pointer: Any) -> str:
    """Return a C string as text; empty for NULL."""
    return "" if pointer == ffi.NULL else ffi.string(pointer).decode("utf-8", "replace")


def error_name(code: int) -> str:
    """Return librdkafka's name of an error: ``_MSG_TIMED_OUT``, ``TOPIC_AUTHORIZATION_FAILED``."""
    return text(lib.rd_kafka_err2name(code))


def error_text(code: int) -> str:
    """Return librdkafka's sentence for an error."""
    return text(lib.rd_kafka_err2str(code))


def produce_error(code: int, topic: str = "") -> ProduceError:
    """Return an error of librdkafka as what a sender is told."""
    return ProduceError(error_name(code), error_text(code), topic)
