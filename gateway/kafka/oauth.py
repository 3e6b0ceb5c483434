# SPDX-License-Identifier: Apache-2.0
"""Tokens for SASL/OAUTHBEARER by client credentials (RFC 6749 §4.4), fetched in the background.

librdkafka asks for the first token when it starts and for each next one after 80 % of a token's
life, long before the old one ends; meanwhile connections stay up.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.kafka import tokens
from gateway.kafka.config import OAuth, ProducerConfig

if TYPE_CHECKING:
    from gateway.kafka.client import Client
    from gateway.kafka.watch import Watch


class TokenSource:
    """Fetches tokens for one producer; one fetch at a time."""

    def __init__(
        self, oauth: OAuth, ca: str | None, loop: asyncio.AbstractEventLoop, watch: Watch
    ) -> None:
        self._oauth = oauth
        self._ca = ca
        self._loop = loop
        self._watch = watch
        self._task: asyncio.Task[None] | None = None
        self._client: Client | None = None

    @classmethod
    def of(
        cls, config: ProducerConfig, loop: asyncio.AbstractEventLoop, watch: Watch
    ) -> TokenSource | None:
        """Return the source of a producer's tokens; None when it needs none."""
        if config.sasl is None or config.sasl.oauth is None:
            return None
        ca = config.tls.ca if config.tls is not None else None
        return cls(config.sasl.oauth, ca, loop, watch)

    def fetch(self, client: Client) -> None:
        """Have a token handed to ``client``: one that is being fetched, or begin to fetch one.

        To the newest only: a client before it was given up.
        """
        self._client = client
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._fetch())

    def close(self) -> None:
        """Give up what is under way."""
        if self._task is not None:
            self._task.cancel()

    async def _fetch(self) -> None:
        try:
            token = await tokens.ask(self._request())
            principal = str(token.claims.get("sub") or self._oauth.client_id)
            if self._client is not None:
                extensions = self._oauth.extensions
                self._client.set_token(token.text, token.expires, principal, extensions)
            self._watch.token()
        except Exception as error:
            # Whatever it was: librdkafka has to know, it asks again later.
            reason = f"{type(error).__name__}: {error}"
            self._watch.log.error("token", f"no token from {self._oauth.url}: {reason}")
            if self._client is not None:
                self._client.token_failed(reason)

    def _request(self) -> tokens.TokenRequest:
        oauth = self._oauth
        form, headers = {"grant_type": "client_credentials"}, {}
        if oauth.basic:
            headers["Authorization"] = tokens.client_basic(oauth.client_id, oauth.client_secret)
        else:
            form |= {"client_id": oauth.client_id, "client_secret": oauth.client_secret}
        if oauth.scopes:
            form["scope"] = " ".join(oauth.scopes)
        return tokens.TokenRequest(
            oauth.url, tuple(form.items()), tuple(headers.items()), verify=oauth.verify, ca=self._ca
        )
