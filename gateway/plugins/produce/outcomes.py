# SPDX-License-Identifier: Apache-2.0
"""What hears of a request's records: it answers the caller, and has losses logged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gateway.errors import ProduceError
from gateway.http.messages import Pending, Request, Response
from gateway.logs import get_logger
from gateway.plugins.produce import responses as answers

if TYPE_CHECKING:
    from gateway.plugins.produce.handler import ProduceHandler

_log = get_logger("gateway.kafka")
NOT_WRITTEN = "record not written"
"""The event of a record whose sender is told."""
_LOST = "record lost"


class Delivery(Pending):
    """The answer to a request of one record; called with what became of it."""

    __slots__ = ("_handler", "_request")

    def __init__(self, handler: ProduceHandler, request: Request) -> None:
        # What the base class sets, without the call: there is one of these for each request.
        self._callback = self._response = self.on_abandon = None
        self.abandoned = False
        self._handler = handler
        self._request = request

    def __call__(self, error: ProduceError | None) -> None:
        answer: Response = answers.SENT
        if error is not None:
            answer = self._handler.failed(error, self._request)
        if self._response is None:
            # What ``resolve`` does, without the call.
            self._response = answer
            if self._callback is not None:
                self._callback(answer)


class Gathering(Pending):
    """The answer to a request of many records or topics: when all of them are reported.

    ``listed``: the answer has a result for each record.
    """

    __slots__ = ("_errors", "_handler", "_left", "_listed", "_request", "_topics")

    def __init__(
        self,
        handler: ProduceHandler,
        request: Request,
        records: int,
        topics: Sequence[str],
        *,
        listed: bool,
    ) -> None:
        super().__init__()
        self._errors: list[ProduceError | None] = [None] * records
        self._left = records * len(topics)
        self._handler = handler
        self._request = request
        self._topics = topics
        self._listed = listed

    def of(self, index: int) -> Callable[[ProduceError | None], None]:
        """Return what hears of the record at a place."""

        def report(error: ProduceError | None) -> None:
            self._left -= 1
            if error is not None:
                self._errors[index] = error
                request = self._request
                self._handler.note(NOT_WRITTEN, error, self._topics, request.match, request.id)
            if self._left == 0:
                self.resolve(self._answer())

        return report

    def _answer(self) -> Response:
        detailed = self._handler.detailed
        if self._listed:
            return answers.many(self._errors, buffered=False, detailed=detailed)
        error = next((error for error in self._errors if error is not None), None)
        return answers.SENT if error is None else answers.failed(error, detailed=detailed)


class Lost:
    """Logs what became of buffered records, if they were lost. Does not hold the request."""

    __slots__ = ("_handler", "_match", "_topics", "request_id")

    def __init__(self, handler: ProduceHandler, request: Request, topics: Sequence[str]) -> None:
        self._handler = handler
        self._topics = topics
        self._match = request.match
        self.request_id = request.id

    def __call__(self, error: ProduceError | None) -> None:
        if error is not None:
            self._handler.note(_LOST, error, self._topics, self._match, self.request_id)


class AcceptedLost(Lost):
    """Also names each by its delivery id, which is the request's."""

    __slots__ = ()

    def __call__(self, error: ProduceError | None) -> None:
        super().__call__(error)
        if error is not None:
            _log.error(
                "accepted record lost",
                delivery_id=self.request_id.decode(),
                plugin=self._handler.context.plugin_id,
                topic=error.topic or ",".join(self._topics),
                reason=error.reason,
            )
