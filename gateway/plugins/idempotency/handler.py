# SPDX-License-Identifier: Apache-2.0
"""Let the first request with a key through, keep its answer, and give it to all that follow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Any

from gateway.errors import NodeStoreUnavailable, RequestRejected
from gateway.http.generated_responses import error_response
from gateway.http.log_ids import named
from gateway.http.messages import Request, Response
from gateway.logs import get_logger
from gateway.plugins.base import Handler, PluginContext, Proceed
from gateway.plugins.idempotency.answers import gathered, is_kept, pack, unpack
from gateway.plugins.idempotency.attempt import Attempt
from gateway.plugins.idempotency.keys import mark, read_key, store_key
from gateway.plugins.idempotency.storage import make_storage
from gateway.plugins.shared_store import Seen, Standing
from gateway.tasks import BackgroundTasks

_log = get_logger("gateway.idempotency")

_RETRY_AFTER = ((b"Retry-After", b"1"),)
_REFUSALS = {
    Standing.BUSY: "an earlier request with this key is still being worked on",
    Standing.LOST: "an earlier request with this key was cut off, and its outcome is not known",
}
_REUSED = "this key was used for another request; use a new key"
_TOO_LARGE = "an earlier request with this key was answered; its answer was too large to be kept"
_UNREADABLE = "an earlier request with this key was answered; its answer cannot be read any more"
_UNAVAILABLE = "the storage of idempotency keys is unavailable"


class Idempotency(Handler):
    """See the decision page ``idempotency-keys.md`` for what holds when something dies."""

    needs_body = True

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._header = config.header_name.lower().encode()
        self._storage = make_storage(config, context)
        self._tasks = BackgroundTasks()

    def access(self, request: Request) -> Response | Awaitable[Response | Proceed | None] | None:
        """Respond from the storage, or let the request pass and keep its answer."""
        config = self.config
        values = request.header_values(self._header)
        if not values:
            if config.required:
                text = (
                    f"{config.header_name} is missing; send a key of your own, a UUID for instance"
                )
                return error_response(400, text, request)
            return None
        try:
            key = read_key(values, config.header_name, config.max_key_length)
        except RequestRejected as error:
            return error_response(error.status, error.message, request)
        return self._see(request, Attempt(store_key(request, key), mark(request)))

    async def _see(self, request: Request, attempt: Attempt) -> Response | Proceed | None:
        try:
            seen = await self._begin(request, attempt)
        except NodeStoreUnavailable as error:
            _log.error("idempotency storage unavailable", problem=str(error))
            if self.config.fail_open:
                return None
            return error_response(503, _UNAVAILABLE, request, _RETRY_AFTER)
        if seen.standing is Standing.BEGUN:
            attempt.token = seen.token
            return Proceed(partial(self._finish, request, attempt), to_the_end=True)
        if seen.standing is Standing.OTHER:
            return error_response(422, _REUSED, request)
        if seen.standing is Standing.FOUND:
            return self._replay(request, attempt, seen.value)
        headers = _RETRY_AFTER if seen.standing is Standing.BUSY else ()
        return error_response(409, _REFUSALS[seen.standing], request, headers)

    async def _begin(self, request: Request, attempt: Attempt) -> Seen:
        """Begin to its end also when the client leaves: a claim that nobody holds must be freed."""
        beginning = asyncio.ensure_future(self._storage.begin(attempt, request))
        try:
            return await asyncio.shield(beginning)
        except asyncio.CancelledError:
            self._tasks.start(self._free(beginning, attempt))
            raise

    async def _free(self, beginning: asyncio.Future[Seen], attempt: Attempt) -> None:
        try:
            seen = await beginning
            if seen.standing is Standing.BEGUN:
                attempt.token = seen.token
                await self._storage.release(attempt)
        except NodeStoreUnavailable as error:
            _log.warning("claim of a client that left is not freed", problem=str(error))

    def _replay(self, request: Request, attempt: Attempt, value: bytes) -> Response:
        answer = unpack(value)
        if answer is None:
            return error_response(409, _UNREADABLE, request)
        if answer.mark != attempt.mark:
            return error_response(422, _REUSED, request)
        if answer.response is None:
            return error_response(409, _TOO_LARGE, request)
        return answer.response

    async def _finish(self, request: Request, attempt: Attempt, response: Response) -> Response:
        """Keep an answer that is final, or free the key; return what the client gets."""
        try:
            if not is_kept(response.status):
                await self._storage.release(attempt, responded=True)
                return response
            if response.status >= 400:
                attempt.drop_records()
            response, whole = await self._gathered(attempt, response)
            value = pack(attempt.mark, response, whole=whole)
            await self._storage.finish(attempt, value)
        except NodeStoreUnavailable as error:
            _log.error(
                "answer not kept under its idempotency key",
                **named(request),
                problem=str(error),
            )
            if self._storage.atomic:
                return error_response(503, _UNAVAILABLE, request, _RETRY_AFTER)
        return response

    async def _gathered(self, attempt: Attempt, response: Response) -> tuple[Response, bool]:
        """Return the response whole, if it is not too long; frees the key when it breaks off."""
        try:
            return await gathered(response, self.config.max_body_size)
        except Exception:
            await self._storage.release(attempt, responded=True)
            raise

    def close(self) -> None:
        """Give back what the storage holds."""
        self._storage.close()
