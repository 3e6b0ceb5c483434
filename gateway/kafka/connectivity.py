# SPDX-License-Identifier: Apache-2.0
"""Why Kafka cannot be reached, in the brokers' last words, and whether waiting can help."""

from __future__ import annotations

import re

from gateway.errors import KafkaRefuses, ProduceError
from gateway.kafka.health import is_connectivity

_WAITED_IN_VAIN = frozenset(
    {"_MSG_TIMED_OUT", "_TIMED_OUT", "_TIMED_OUT_QUEUE", "_TRANSPORT", "_ALL_BROKERS_DOWN"}
)
_CREDENTIALS = frozenset({"_AUTHENTICATION", "SASL_AUTHENTICATION_FAILED"})
_SERVER = re.compile(r"\w+://([^/]+)/")
_THREAD = re.compile(r"\[thrd:[^\]]*\]: ")
_UP = "in state UP"
_FIRST_WORD = "APIVERSION_QUERY"
_TOKEN_REFUSALS = 2
_NOT_YET = "last error: (not available)"
_CUT_SHORT = "mechanism handshake failed: Local: "
"""librdkafka reports a connection that ends between the request SaslHandshake and its response as
refused credentials, though they were not even shown (``rd_kafka_broker_handle_SaslHandshake``)."""


class Connectivity:
    """Remembers what brokers have said since a record or a probe last got through.

    ``trouble``: the last error of a connection. ``barred``: what new records are refused with, at
    once (KIP-152): set when no server's name resolves, or credentials are refused and no broker is
    left. Credentials that were good have to be refused twice: a broker that ends a connection may
    refuse to have them shown again on it (KIP-368). Tokens (``tokens``) end and are replaced, so
    theirs is the longest patience.
    """

    def __init__(self, servers: tuple[str, ...], *, tokens: bool = False) -> None:
        self.trouble: ProduceError | None = None
        self.barred: KafkaRefuses | None = None
        self._servers = frozenset(servers)
        self._unresolved: set[str] = set()
        self._all_down = False
        self._has_worked = False
        self._refusals = 0
        self._most_refusals = _TOKEN_REFUSALS if tokens else 0

    def error(self, reason: str, detail: str) -> bool:
        """Take an error that belongs to no record; return whether records are barred from now."""
        if reason == "_ALL_BROKERS_DOWN":
            self._all_down = True
        elif is_connectivity(reason):
            if _CUT_SHORT in detail:
                reason = "_TRANSPORT"
            self.trouble = ProduceError(reason, detail)
            self._refusals += reason in _CREDENTIALS
            server = _SERVER.match(detail)
            if server is not None:
                (self._unresolved.add if reason == "_RESOLVE" else self._unresolved.discard)(
                    server[1]
                )
        was, self.barred = self.barred, self._bar()
        return was is None and self.barred is not None

    def disconnected(self, line: str) -> None:
        """Take a line of librdkafka's log about a connection that was lost.

        It is no error to librdkafka, but before a connection is up it is all that is said when
        one end speaks TLS and the other does not, or when a broker is silent. One that wants
        SASL ends connections without it when they are up and it is asked something.
        """
        if _UP in line and self._has_worked:
            # So end idle connections too.
            return
        detail = _THREAD.sub("", line)
        if _UP in line:
            detail += "; does the broker want SASL, or a client certificate?"
        if _FIRST_WORD in detail:
            detail += "; do both ends speak TLS, or both not?"
        self.trouble = ProduceError("_TRANSPORT", detail)

    def works(self) -> None:
        """Note that a record or a probe got through."""
        self.trouble = self.barred = None
        self._has_worked = True
        self._all_down = False
        self._refusals = 0
        self._most_refusals = max(1, self._most_refusals)
        self._unresolved.clear()

    def explained(self, error: ProduceError) -> ProduceError:
        """Return a record's error; for one that waited in vain, what it waited for."""
        trouble = self.trouble
        if trouble is None or error.reason not in _WAITED_IN_VAIN:
            return error
        return ProduceError(trouble.reason, trouble.detail, error.topic)

    def _bar(self) -> KafkaRefuses | None:
        trouble = self.trouble
        if trouble is None:
            return None
        refused = trouble.reason in _CREDENTIALS and self._all_down
        refused = refused and self._refusals > self._most_refusals
        if refused and _NOT_YET in trouble.detail:
            # The first token is on its way.
            refused = False
        if refused or (trouble.reason == "_RESOLVE" and self._servers <= self._unresolved):
            return KafkaRefuses(trouble.reason, trouble.detail)
        return None
