# SPDX-License-Identifier: Apache-2.0
"""Tokens for SASL/OAUTHBEARER by client credentials (RFC 6749 §4.4), fetched in the background.

librdkafka asks for the first token when it starts and for each next one after 80 % of a token's
life, long before the old one ends; meanwhile connections stay up.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from time import time
from typing import TYPE_CHECKING, Any

import orjson

from gateway.errors import ProduceError
from gateway.kafka.client_log import ClientLog
from gateway.kafka.config import OAuth, ProducerConfig

if TYPE_CHECKING:
    from gateway.kafka.client import Client

_TIMEOUT = 10.0
_DEFAULT_LIFE = 300
"""Seconds, when neither the answer nor the token says how long it is good for."""


class TokenSource:
    """Fetches tokens for one producer; one fetch at a time."""

    def __init__(
        self, oauth: OAuth, ca: str | None, loop: asyncio.AbstractEventLoop, log: ClientLog
    ) -> None:
        self._oauth = oauth
        self._ca = ca
        self._loop = loop
        self._log = log
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def of(
        cls, config: ProducerConfig, loop: asyncio.AbstractEventLoop, log: ClientLog
    ) -> TokenSource | None:
        """Return the source of a producer's tokens; None when it needs none."""
        if config.sasl is None or config.sasl.oauth is None:
            return None
        ca = config.tls.ca if config.tls is not None else None
        return cls(config.sasl.oauth, ca, loop, log)

    def fetch(self, client: Client) -> None:
        """Begin to fetch a token and hand it to ``client``."""
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._fetch(client))

    def close(self) -> None:
        """Give up what is under way."""
        if self._task is not None:
            self._task.cancel()

    async def _fetch(self, client: Client) -> None:
        try:
            answer = await self._ask()
            token = str(answer["access_token"])
            expires = _expiry(token, answer)
            principal = str(_claims(token).get("sub") or self._oauth.client_id)
            client.set_token(token, expires, principal, self._oauth.extensions)
        except Exception as error:
            # Whatever it was: librdkafka has to hear of it, it asks again later.
            reason = f"{type(error).__name__}: {error}"
            self._log.error("token", f"no token from {self._oauth.url}: {reason}")
            client.token_failed(reason)

    async def _ask(self) -> dict[str, Any]:
        # Imported late: most workers never need an HTTP client for this.
        import aiohttp

        form = {
            "grant_type": "client_credentials",
            "client_id": self._oauth.client_id,
            "client_secret": self._oauth.client_secret,
        }
        if self._oauth.scopes:
            form["scope"] = " ".join(self._oauth.scopes)
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT)
        context = _tls_context(self._oauth.verify, self._ca)
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            session.post(self._oauth.url, data=form, ssl=context) as response,
        ):
            body = await response.read()
            if response.status != 200:
                raise ProduceError("_AUTHENTICATION", f"the endpoint answered {response.status}")
            answer = orjson.loads(body)
        if not isinstance(answer, dict) or not answer.get("access_token"):
            raise ProduceError("_AUTHENTICATION", "the endpoint's answer holds no access_token")
        return answer


def _tls_context(verify: bool, ca: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _expiry(token: str, answer: dict[str, Any]) -> int:
    """Return when a token ends, in milliseconds since 1970."""
    life = answer.get("expires_in")
    if isinstance(life, int | float) and life > 0:
        return int((time() + life) * 1000)
    end = _claims(token).get("exp")
    if isinstance(end, int | float):
        return int(end * 1000)
    return int((time() + _DEFAULT_LIFE) * 1000)


def _claims(token: str) -> dict[str, Any]:
    """Return what a JWT says, unverified: the broker is who verifies it. Empty for other tokens."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        found = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
