# SPDX-License-Identifier: Apache-2.0
"""The step between a request's messages and its records: schemas."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Generator, Sequence

from gateway.errors import ReleaseRefused, RequestRejected, SchemaMismatch, SchemaUnusable
from gateway.logs import get_logger
from gateway.plugins.produce.registry.client import KeptSchema, RegistryPool
from gateway.plugins.produce.registry.serializer import Serializer
from gateway.plugins.produce.registry.settings import ConfluentRegistry, RegistrySchema

_log = get_logger("gateway.kafka.registry")

_INVALID = "failed to validate message against schema"
_VERSION = re.compile(r"latest|[1-9][0-9]*")
_LONGEST = 500
"""Characters of a problem that a caller is shown."""


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

    def prepare(self, keyed: bool) -> Generator[Fetching, None, Serializers]:
        """Return what writes value and key; yield what to wait for until it is there.

        Raises ``RequestRejected`` (400) and ``SchemaUnusable``.
        """
        if self._value is None:
            _log.error("a value schema is required", plugin=self._plugin)
            raise RequestRejected(400, f"{_INVALID}: no value schema is configured")
        wanted = [self._value]
        if self._key is not None and keyed:
            wanted.append(self._key)
        ready = [one.ready() for one in wanted]
        found = [one for one in ready if one is not None]
        if len(found) == len(wanted):
            return Serializers(found)
        fetching = Fetching(wanted)
        yield fetching
        return fetching.result()

    def _kept(self, wanted: RegistrySchema) -> KeptSchema:
        return self._registry.schema(
            wanted.subject_name or "",
            wanted.schema_version or "latest",
            simple=wanted.payload_encoding == "simple_json",
        )


class Fetching:
    """Schemas that are being fetched."""

    def __init__(self, wanted: Sequence[KeptSchema]) -> None:
        self._tasks = [one.fetch() for one in wanted]
        self._left = len(self._tasks)

    def then_go_on(self, go_on: Callable[[], None]) -> None:
        """Call ``go_on`` when all are there, or cannot be had."""

        def one_less(_: asyncio.Task[Serializer | SchemaUnusable]) -> None:
            self._left -= 1
            if not self._left:
                go_on()

        for task in self._tasks:
            task.add_done_callback(one_less)

    def result(self) -> Serializers:
        """Return what was fetched; raises ``SchemaUnusable``."""
        found = []
        for task in self._tasks:
            one = SchemaUnusable("the plugin was closed") if task.cancelled() else task.result()
            if isinstance(one, SchemaUnusable):
                raise SchemaUnusable(one.detail)
            found.append(one)
        return Serializers(found)


class Serializers:
    """Write values, and keys where a schema is configured for them."""

    def __init__(self, found: Sequence[Serializer]) -> None:
        self._value, *rest = found
        self._key = rest[0] if rest else None

    def value(self, message: bytes, place: int) -> bytes:
        """Return a message as a record's value; raises ``RequestRejected`` (400).

        ``place``: that of the record among those of the request, from 1; 0: it is the only one.
        """
        try:
            return self._value.value(message)
        except SchemaMismatch as error:
            raise _rejected(f"record {place}: {error}" if place else str(error)) from None

    def key(self, key: bytes | None) -> bytes | None:
        """Return a key as records have it; raises ``RequestRejected`` (400)."""
        if key is None or self._key is None:
            return key
        try:
            return self._key.key(key)
        except SchemaMismatch as error:
            raise _rejected(f"key: {error}") from None


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
