# SPDX-License-Identifier: Apache-2.0
"""What receives the reports of a request's records: it responds to the caller and logs losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from gateway.errors import ProduceError
from gateway.http.log_ids import ids_of, named
from gateway.http.messages import Pending, Request, Response
from gateway.http.route_match import RouteMatch
from gateway.logs import get_logger
from gateway.plugins.base import PluginContext
from gateway.plugins.produce import responses

_log = get_logger("gateway.kafka")
NOT_WRITTEN = "record not written"
"""The event in the log of a record whose sender gets an error response."""
_LOST = "record lost"


class RecordSender(Protocol):
    """The plugin whose request the records are of; ``detailed``: callers see Kafka's error."""

    context: PluginContext
    detailed: bool

    def failed(self, error: ProduceError, request: Request) -> Response:
        """Return the response to a request whose only record was not written."""
        ...

    def note(
        self,
        event: str,
        error: ProduceError,
        topics: Sequence[str],
        match: RouteMatch | None,
        ids: Mapping[str, str],
    ) -> None:
        """Log a record that is not written; ``topics`` when the error does not know which.

        ``ids`` are the fields that name its request.
        """
        ...


class Delivery(Pending):
    """The response to a request of one record; ``report`` is called with what became of it."""

    __slots__ = ("_request", "_sender")

    def __init__(self, sender: RecordSender, request: Request) -> None:
        super().__init__()
        self._sender = sender
        self._request = request

    def report(self, error: ProduceError | None) -> None:
        """Respond."""
        # No ``__call__``: mypyc lays out a class that has one otherwise than its base.
        response: Response = responses.SENT
        if error is not None:
            response = self._sender.failed(error, self._request)
        if self._response is None:
            # What ``resolve`` does, without the call.
            self._response = response
            callback = self._callback
            if callback is not None:
                callback(response)


class Gathering(Pending):
    """The response to a request of many records or topics: when all of them are reported.

    ``listed``: the response has a result for each record.
    """

    __slots__ = ("_errors", "_left", "_listed", "_request", "_sender", "_topics")

    def __init__(
        self,
        sender: RecordSender,
        request: Request,
        records: int,
        topics: Sequence[str],
        *,
        listed: bool,
    ) -> None:
        super().__init__()
        self._errors: list[ProduceError | None] = [None] * records
        self._left = records * len(topics)
        self._sender = sender
        self._request = request
        self._topics = topics
        self._listed = listed

    def of(self, index: int) -> Callable[[ProduceError | None], None]:
        """Return what receives the report of the record at a place."""

        def report(error: ProduceError | None) -> None:
            self._left -= 1
            if error is not None:
                self._errors[index] = error
                request = self._request
                ids = named(request)
                self._sender.note(NOT_WRITTEN, error, self._topics, request.match, ids)
            if self._left == 0:
                self.resolve(self._respond())

        return report

    def _respond(self) -> Response:
        detailed = self._sender.detailed
        if self._listed:
            return responses.many(self._errors, buffered=False, detailed=detailed)
        error = next((error for error in self._errors if error is not None), None)
        return responses.SENT if error is None else responses.failed(error, detailed=detailed)


class Lost:
    """Logs what became of buffered records, if they were lost. Does not hold the request."""

    __slots__ = ("_match", "_sender", "_topics", "_trace", "request_id")

    def __init__(self, sender: RecordSender, request: Request, topics: Sequence[str]) -> None:
        self._sender = sender
        self._topics = topics
        self._match = request.match
        self._trace = request.trace
        self.request_id = request.id

    def __call__(self, error: ProduceError | None) -> None:
        if error is not None:
            ids = ids_of(self.request_id, self._trace)
            self._sender.note(_LOST, error, self._topics, self._match, ids)


class AcceptedLost(Lost):
    """Also names each by its delivery id, which is the request's."""

    __slots__ = ()

    def __call__(self, error: ProduceError | None) -> None:
        super().__call__(error)
        if error is not None:
            _log.error(
                "accepted record lost",
                delivery_id=self.request_id.decode(),
                plugin=self._sender.context.plugin_id,
                topic=error.topic or ",".join(self._topics),
                reason=error.reason,
            )
