# SPDX-License-Identifier: Apache-2.0
"""How many files and sockets this process may have open (``RLIMIT_NOFILE``)."""

from __future__ import annotations

import resource

_OTHERS = 256
"""Descriptors that are not connections of clients: listeners, Kafka's brokers, DNS, files."""


def allow_open_files(wanted: int) -> int:
    """Raise the process's soft limit to ``wanted``, or as far as it goes; return what is in force.

    Many systems start processes with 1024, and let them have more (``ulimit -Hn``).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


def allow_connections(wanted: int) -> int:
    """Have room for so many connections of clients; return for how many of them there is.

    Each may need another one, to an upstream or in a TLS handshake. Without the room, idle clients
    would take the descriptors that others' requests need for upstreams and Kafka.
    """
    limit = allow_open_files(2 * wanted + _OTHERS)
    return max(1, min(wanted, (limit - _OTHERS) // 2))
