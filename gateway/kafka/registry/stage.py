# SPDX-License-Identifier: Apache-2.0
"""The step between a request's messages and its records: schemas (kafka-plugins.md §2.1 step 5)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence

from gateway.errors import ReleaseRefused, RequestRejected, SchemaMismatch, SchemaUnusable
from gateway.http.messages import Pending, Response
from gateway.kafka.registry.client import KeptSchema, RegistryPool
from gateway.kafka.registry.serializer import Serializer
from gateway.logs import get_logger
from gateway.plugins.schema_registry import ConfluentRegistry, RegistrySchema

_log = get_logger("gateway.kafka.registry")

_INVALID = "failed to validate message against schema"
_VERSION = re.compile(r"latest|[1-9][0-9]*")
_LONGEST = 500
"""Characters of a problem that a caller is shown."""

Records = tuple[list[bytes], bytes | None]
Send = Callable[[Callable[[], Records]], Response | Pending]
"""Sends the records that the function makes, and answers for what it raises."""


class SchemaStage:
    """The schemas of one plugin. Raises ``ReleaseRefused`` for settings that cannot work."""

    def __init__(
        self, config: ConfluentRegistry, pool: RegistryPool, ca: str | None, plugin: str
    ) -> None:
        self._plugin = plugin
        self._value: KeptSchema | None = None
        self._key: KeptSchema | None = None
        names = {"value_schema": config.value_schema, "key_schema": config.key_schema}
        for name, wanted in names.items():
            if wanted is not None:
                _check(config.url, name, wanted)
        self._registry, self._release = pool.get(config, ca)
        if config.value_schema is not None:
            self._value = self._kept(config.value_schema)
        if config.key_schema is not None:
            self._key = self._kept(config.key_schema)

    def close(self) -> None:
        """Give the registry back."""
        self._release()

    def run(self, values: Sequence[bytes], key: bytes | None, send: Send) -> Response | Pending:
        """Send the messages as records of the schemas: now, or when the schemas are there.

        Raises ``RequestRejected`` (400) and ``SchemaUnusable``.
        """
        if self._value is None:
            _log.error("a value schema is required", plugin=self._plugin)
            raise RequestRejected(400, f"{_INVALID}: no value schema is configured")
        wanted = [self._value]
        if self._key is not None and key is not None:
            wanted.append(self._key)
        ready = [one.ready() for one in wanted]
        if None in ready:
            return _Waiting(wanted, lambda found: send(lambda: _records(found, values, key)))
        found = [one for one in ready if one is not None]
        return send(lambda: _records(found, values, key))

    def _kept(self, wanted: RegistrySchema) -> KeptSchema:
        return self._registry.schema(
            wanted.subject_name or "",
            wanted.schema_version or "latest",
            simple=wanted.payload_encoding == "simple_json",
        )


class _Waiting(Pending):
    """The answer to a request whose schemas are being fetched."""

    __slots__ = ("_left", "_send", "_tasks")

    def __init__(
        self,
        wanted: Sequence[KeptSchema],
        send: Callable[[Sequence[Serializer | SchemaUnusable]], Response | Pending],
    ) -> None:
        super().__init__()
        self._send = send
        self._tasks = [one.fetch() for one in wanted]
        self._left = len(self._tasks)
        for task in self._tasks:
            task.add_done_callback(self._one_less)

    def _one_less(self, _: asyncio.Task[Serializer | SchemaUnusable]) -> None:
        self._left -= 1
        # Nothing has been sent for a client that went away meanwhile, and nothing is.
        if self._left or self.abandoned:
            return
        gone = SchemaUnusable("the plugin was closed")
        answer = self._send([gone if one.cancelled() else one.result() for one in self._tasks])
        if isinstance(answer, Pending):
            answer.then(self.resolve)
        else:
            self.resolve(answer)


def _records(
    found: Sequence[Serializer | SchemaUnusable], values: Sequence[bytes], key: bytes | None
) -> Records:
    """Return values and key as records have them."""
    serializers = []
    for one in found:
        if isinstance(one, SchemaUnusable):
            raise SchemaUnusable(one.detail)
        serializers.append(one)
    places = range(1, len(values) + 1) if len(values) > 1 else (0,)
    written = [_value(serializers[0], *one) for one in zip(values, places, strict=True)]
    try:
        if key is not None and len(serializers) > 1:
            key = serializers[1].key(key)
    except SchemaMismatch as error:
        raise _rejected(f"key: {error}") from None
    return written, key


def _value(serializer: Serializer, value: bytes, place: int) -> bytes:
    """``place``: that of the record among those of the request; 0: it is the only one."""
    try:
        return serializer.value(value)
    except SchemaMismatch as error:
        raise _rejected(f"record {place}: {error}" if place else str(error)) from None


def _rejected(problem: str) -> RequestRejected:
    return RequestRejected(400, f"{_INVALID}: {problem[:_LONGEST]}")


def _check(url: str | None, name: str, wanted: RegistrySchema) -> None:
    where = "schema_registry.confluent"
    if not url or not url.startswith(("http://", "https://")):
        raise ReleaseRefused([f"{where}.url: must be set, and begin with http:// or https://"])
    if not wanted.subject_name:
        raise ReleaseRefused([f"{where}.{name}.subject_name: must be set"])
    version = wanted.schema_version or "latest"
    if not _VERSION.fullmatch(version):
        raise ReleaseRefused(
            [f'{where}.{name}.schema_version: must be a number or "latest", is {version[:40]!r}']
        )
