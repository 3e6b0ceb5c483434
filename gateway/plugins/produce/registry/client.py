# SPDX-License-Identifier: Apache-2.0
"""A schema registry over HTTP, and the schemas of it that are kept for a while.

Own code and not the Confluent client's: two requests are made of it, and that client
has neither the password grant nor signed client assertions nor proxies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from weakref import WeakKeyDictionary

from gateway.errors import GatewayError, OutgoingError, SchemaUnusable
from gateway.kafka.pool import ProducerPool
from gateway.logs import get_logger
from gateway.outgoing.client import Fetch, Fetched, HttpClient
from gateway.plugins.produce.registry.authentication import RegistryAuthenticator
from gateway.plugins.produce.registry.serializer import Registered, Serializer
from gateway.plugins.produce.registry.settings import ConfluentRegistry

_log = get_logger("gateway.kafka.registry")

_TTL = 300.0
"""Seconds that a schema is kept where the configuration does not say."""
_FRESH = 0.8
"""The part of that time after which the next user has it fetched again, without waiting."""
_PAUSE = 1.0
"""Seconds after a failure without another attempt."""
_TIMEOUT = 5.0
"""Seconds for one schema with all that it refers to, and a token if need be."""
_LARGEST = 4 * 1024**2
_MOST_REFERENCES = 100
_ACCEPT = "application/vnd.schemaregistry.v1+json, application/json"


class Registry:
    """One registry as one or more plugins configure it; all calls on the event loop's thread."""

    def __init__(
        self, config: ConfluentRegistry, ca: str | None, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.users = 1
        self._url = (config.url or "").rstrip("/")
        self._ttl = _TTL if config.ttl is None else float(config.ttl)
        self._verify = config.ssl_verify
        self._ca = ca
        self._authentication = RegistryAuthenticator(config.authentication, ca)
        self._loop = loop
        self._schemas: dict[tuple[str, str, bool], KeptSchema] = {}

    def schema(self, subject: str, version: str, *, simple: bool) -> KeptSchema:
        """Return a schema's keeper, and begin to fetch it if it is new."""
        key = subject, version, simple
        if key not in self._schemas:
            kept = self._schemas[key] = KeptSchema(self, subject, version, simple)
            kept.start()
        return self._schemas[key]

    def close(self) -> None:
        """Give up what is under way."""
        for kept in self._schemas.values():
            kept.close()

    async def registered(self, subject: str, version: str) -> Registered:
        """Ask for a version of a subject and what it refers to; raises ``SchemaUnusable``."""
        try:
            async with asyncio.timeout(_TIMEOUT), HttpClient() as http:
                return await self._with_references(http, subject, version)
        except TimeoutError:
            raise SchemaUnusable(f"no response within {_TIMEOUT:g} s") from None
        except SchemaUnusable:
            raise
        except GatewayError as error:
            raise SchemaUnusable(f"no token for the registry: {error}") from None

    async def _with_references(self, http: HttpClient, subject: str, version: str) -> Registered:
        found: dict[str, str] = {}
        seen: set[str] = set()

        async def collect(response: dict[str, Any]) -> None:
            for one in response.get("references") or ():
                name = str(one["name"])
                if name in seen:
                    continue
                seen.add(name)
                if len(seen) > _MOST_REFERENCES:
                    raise SchemaUnusable(f"it refers to more than {_MOST_REFERENCES} others")
                other = await self._ask(http, str(one["subject"]), str(one["version"]))
                await collect(other)
                found[name] = str(other["schema"])

        try:
            response = await self._ask(http, subject, version)
            await collect(response)
            kind = str(response.get("schemaType") or "AVRO")
            return Registered(
                int(response["id"]), kind, str(response["schema"]), tuple(found.items())
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SchemaUnusable(f"the registry's response lacks {error}") from None

    async def _ask(self, http: HttpClient, subject: str, version: str) -> dict[str, Any]:
        path = f"/subjects/{quote(subject, safe='')}/versions/{quote(version, safe='')}"
        for last in (False, True):
            headers = {"Accept": _ACCEPT} | await self._authentication.headers()
            received = await self._fetch(http, path, headers)
            if received.status == 401 and not last:
                # The token may have been called back; with the same credentials it is tried once.
                self._authentication.forget()
                continue
            break
        if received.status != 200:
            said = received.body[:200].decode("utf-8", "replace")
            raise SchemaUnusable(f"the registry answered {received.status}: {said}")
        try:
            return received.json_object()
        except OutgoingError as error:
            raise SchemaUnusable(str(error)) from None

    async def _fetch(self, http: HttpClient, path: str, headers: dict[str, str]) -> Fetched:
        try:
            return await http.fetch(
                Fetch(
                    self._url + path,
                    headers=tuple(headers.items()),
                    timeout=_TIMEOUT,
                    largest=_LARGEST,
                    verify=self._verify,
                    ca=self._ca,
                    encoded=True,
                )
            )
        except OutgoingError as error:
            raise SchemaUnusable(str(error)) from None


class KeptSchema:
    """A schema that is fetched when it is needed and used for the registry's ``ttl``."""

    def __init__(self, registry: Registry, subject: str, version: str, simple: bool) -> None:
        self._registry = registry
        self._subject = subject
        self._version = version
        self._simple = simple
        self._schema: Registered | None = None
        self._serializer: Serializer | None = None
        self._fetched = self._failed = float("-inf")
        self._failure: SchemaUnusable | None = None
        self._task: asyncio.Task[Serializer | SchemaUnusable] | None = None

    def ready(self) -> Serializer | None:
        """Return what writes records now; None: ``fetch`` it first. Raises ``SchemaUnusable``."""
        now, ttl = self._registry._loop.time(), self._registry._ttl
        age = now - self._fetched
        failed = now - self._failed < _PAUSE
        if age < ttl:
            if age > ttl * _FRESH and not failed:
                self.start()
            return self._serializer
        if failed and self._failure is not None:
            raise SchemaUnusable(self._failure.detail)
        return None

    def fetch(self) -> asyncio.Task[Serializer | SchemaUnusable]:
        """Begin to fetch it, or join a fetch under way; the task returns a failure."""
        if self._task is None or self._task.done():
            self._task = self._registry._loop.create_task(self._fetch())
        return self._task

    def start(self) -> None:
        """Begin to fetch it before a record needs it."""
        self._task = self.fetch()

    def close(self) -> None:
        """Give up what is under way."""
        if self._task is not None:
            self._task.cancel()

    async def _fetch(self) -> Serializer | SchemaUnusable:
        loop = self._registry._loop
        try:
            found = await self._registry.registered(self._subject, self._version)
            if self._serializer is None or found != self._schema:
                self._serializer = Serializer(found, simple=self._simple)
                self._schema = found
        except SchemaUnusable as error:
            self._failed, self._failure = loop.time(), error
            _log.error(
                "no schema",
                subject=self._subject,
                version=self._version,
                registry=self._registry._url,
                problem=error.detail,
            )
            return error
        self._fetched = loop.time()
        return self._serializer


class RegistryPool:
    """One registry for each distinct configuration of a worker, shared and counted."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._registries: dict[tuple[str, str | None], Registry] = {}

    @classmethod
    def beside(cls, producers: ProducerPool) -> RegistryPool:
        """Return the registries of the worker that has these producers."""
        found = _pools.get(producers)
        if found is None:
            found = _pools[producers] = cls(producers.loop)
        return found

    def get(self, config: ConfluentRegistry, ca: str | None) -> tuple[Registry, Callable[[], None]]:
        """Return the registry of this configuration, and what gives it back."""
        key = config.model_dump_json(exclude={"key_schema", "value_schema"}), ca
        found = self._registries.get(key)
        if found is None:
            found = self._registries[key] = Registry(config, ca, self._loop)
        else:
            found.users += 1
        registry = found

        def release() -> None:
            registry.users -= 1
            if registry.users == 0:
                del self._registries[key]
                registry.close()

        return registry, release


_pools: WeakKeyDictionary[ProducerPool, RegistryPool] = WeakKeyDictionary()
