# SPDX-License-Identifier: Apache-2.0
"""An OpenID provider: its discovery document and its keys, kept, renewed, used while it is gone.

OpenID Connect Discovery 1.0 section 4, and RFC 7517 for the keys. Handlers with the same settings
share a provider; it is not asked before the first request that needs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary, WeakValueDictionary

from gateway.errors import OutgoingError
from gateway.logs import get_logger
from gateway.outgoing.client import Fetch, HttpClient, Pairs
from gateway.outgoing.keeper import Keeper, Keeping, Loaded
from gateway.outgoing.proxies import BY_ENVIRONMENT, ForwardProxy, proxy_for
from gateway.plugins.tokens import jose

_log = get_logger("gateway.openid")

_WELL_KNOWN = "/.well-known/"
_MOST_KEYS = 100
_MOST_TRIES = 10
"""Keys that a token without a key id is tried with."""


@dataclass(frozen=True)
class Reaching:
    """How all endpoints of a provider are reached; ``timeout`` in seconds."""

    verify: bool = True
    ca: str | None = None
    timeout: float = 10.0
    http: ForwardProxy = BY_ENVIRONMENT
    https: ForwardProxy = BY_ENVIRONMENT
    no_proxy: str | None = None
    http_1_0: bool = False
    keepalive: bool = True

    def fetch(
        self,
        url: str,
        method: str = "GET",
        headers: Pairs = (),
        body: bytes | None = None,
        certificate: tuple[str, str] | None = None,
        verify: bool | None = None,
    ) -> Fetch:
        """Return a request of one of the endpoints."""
        return Fetch(
            url,
            method,
            headers if self.keepalive else (*headers, ("Connection", "close")),
            body,
            self.timeout,
            verify=self.verify if verify is None else verify,
            ca=self.ca,
            certificate=certificate,
            proxy=proxy_for(url, http=self.http, https=self.https, excepted=self.no_proxy),
            http_1_0=self.http_1_0,
        )


@dataclass(frozen=True)
class ProviderSettings:
    """Which provider, and all that decides what it is asked; times in seconds."""

    issuer: str
    discovers: bool = True
    keys: str | None = None
    """The URL of the key set, in place of the discovered one."""
    extra: tuple[str, ...] = ()
    headers: Pairs = field(default=(), repr=False)
    reaching: Reaching = Reaching()
    ttl: float = 3600.0
    unreachable: float = 86400.0
    pause: float = 30.0
    """Between two attempts to get a key that is not there."""


class ProviderKeys:
    """Keys of a provider; each is made when a token first needs it."""

    def __init__(self, keys: Iterable[Mapping[str, Any]]) -> None:
        self.rows = list(keys)
        self._ids = {row["kid"] for row in self.rows if isinstance(row.get("kid"), str)}
        self._made: dict[tuple[bool, str | None, str], list[Any]] = {}

    def candidates(self, kid: str | None, algorithm: str) -> list[Any]:
        """Return the keys that may have signed a token with this key id and algorithm.

        A key without an id may have signed any: RFC 7517 section 4.5 lets a provider name none.
        """
        # What is kept is bounded by the provider's ids: a token may name any other.
        known = kid if kid in self._ids else None
        place = kid is None, known, algorithm
        if place not in self._made:
            rows = [row for row in self.rows if kid is None or row.get("kid") in (known, None)]
            # A symmetric key that is published is no secret.
            made = (jose.import_key(algorithm, row) for row in rows if row.get("kty") != "oct")
            self._made[place] = [key for key in made if key is not None][:_MOST_TRIES]
        return self._made[place]


class Discovered(NamedTuple):
    """What is known of a provider."""

    issuer: str
    document: dict[str, Any]
    keys: ProviderKeys


class OpenIdProvider:
    """Use ``OpenIdProvider.of``; all calls on the event loop's thread."""

    def __init__(self, settings: ProviderSettings, http: HttpClient) -> None:
        self._settings = settings
        self._http = http
        self._sets: dict[str, list[dict[str, Any]]] = {}
        self._keys = ProviderKeys(())
        keeping = Keeping(stale=settings.unreachable, unreachable=settings.unreachable)
        self._keeper = Keeper(self._load, keeping, name=f"what {settings.issuer} publishes")

    @classmethod
    def of(cls, settings: ProviderSettings, http: HttpClient) -> OpenIdProvider:
        """Return the worker's provider with these settings."""
        providers = _providers.setdefault(http, WeakValueDictionary())
        found = providers.get(settings)
        if found is None:
            found = providers[settings] = cls(settings, http)
        return found

    def current(self) -> Discovered | None:
        """Return what is known, if that needs no waiting."""
        return self._keeper.peek("")

    async def get(self) -> Discovered:
        """Return what is known; raises ``OutgoingError``."""
        return await self._keeper.get("")

    async def renewed(self) -> Discovered:
        """Return what is known after the provider was asked again, if it is time for that."""
        return await self._keeper.renew("", older=self._settings.pause)

    async def _load(self, _: str) -> Loaded[Discovered]:
        settings = self._settings
        document: dict[str, Any] = {}
        if settings.discovers:
            document = await self._json(_discovery_url(settings.issuer), settings.headers)
        published = settings.keys or document.get("jwks_uri")
        urls = [published] if isinstance(published, str) else []
        await self._fetch_keys([*urls, *settings.extra])
        issuer = document.get("issuer")
        if not isinstance(issuer, str) or not issuer:
            issuer = settings.issuer.partition(_WELL_KNOWN)[0]
        return Loaded(Discovered(issuer, document, self._keys), settings.ttl)

    async def _fetch_keys(self, urls: Sequence[str]) -> None:
        """Fetch all key sets; one that cannot be had stays as it was, unless none can."""
        found = await asyncio.gather(*map(self._key_set, urls), return_exceptions=True)
        failures = [one for one in found if isinstance(one, BaseException)]
        for url, one in zip(urls, found, strict=True):
            if isinstance(one, BaseException):
                if not isinstance(one, OutgoingError) or len(failures) == len(urls):
                    raise one
                _log.warning("key set could not be fetched", url=url, problem=str(one))
            else:
                self._sets[url] = one
        rows = [row for url in urls for row in self._sets.get(url, ())]
        if rows != self._keys.rows:
            # Another object says that keys have changed: what they have verified is looked at anew.
            self._keys = ProviderKeys(rows)

    async def _key_set(self, url: str) -> list[dict[str, Any]]:
        rows = (await self._json(url)).get("keys")
        if not isinstance(rows, list):
            raise OutgoingError(f"{url}: the response is no key set")
        return [row for row in rows if isinstance(row, dict)][:_MOST_KEYS]

    async def _json(self, url: str, headers: Pairs = ()) -> dict[str, Any]:
        accept = (("Accept", "application/json"), *headers)
        response = await self._http.shared(self._settings.reaching.fetch(url, headers=accept))
        return response.json_object()


def _discovery_url(issuer: str) -> str:
    if _WELL_KNOWN in issuer:
        return issuer
    return f"{issuer.rstrip('/')}{_WELL_KNOWN}openid-configuration"


_providers: WeakKeyDictionary[HttpClient, WeakValueDictionary[ProviderSettings, OpenIdProvider]] = (
    WeakKeyDictionary()
)
