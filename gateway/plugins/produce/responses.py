# SPDX-License-Identifier: Apache-2.0
"""The responses of the plugins that write records, with the bodies that Kong documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from gateway.errors import BufferFull, ProduceError, ProducerUnhealthy, RequestRejected
from gateway.http.messages import FixedResponse, Response
from gateway.plugins.produce.records import TOPIC_NOT_ALLOWED

_JSON = (b"Content-Type", b"application/json; charset=utf-8")
_RETRY_AFTER = (b"Retry-After", b"1")
NOT_SENT = "could not send message to topic"
_BAD_GATEWAY = "Bad Gateway"
_BAD_REQUEST = "Bad Request"
_TITLES = {
    403: "Forbidden",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
}
_NO_CODING = (b"Accept-Encoding", b"identity")

# Kong's library names Kafka's errors in camel case and without abbreviations.
_WORDS = {"MSG": "Message", "PART": "Partition"}

_body = orjson.dumps

SENT = FixedResponse(200, [_JSON], b'{"message":"message sent"}')


def accepted(delivery: str) -> Response:
    """Return a 202: buffered; the delivery id is in the log when the record is lost."""
    body = {"message": "message accepted", "delivery_id": delivery}
    return Response(202, [_JSON], _body(body))


def kong_name(reason: str) -> str:
    """Return ``TopicAuthorizationFailed`` for ``TOPIC_AUTHORIZATION_FAILED``."""
    words = reason.strip("_").split("_")
    return "".join(_WORDS.get(word) or word.capitalize() for word in words)


def detail(error: ProduceError) -> str:
    """Return an error's text for callers who may see it."""
    return f"{kong_name(error.reason)}: {error.detail}" if error.detail else kong_name(error.reason)


def failed(error: ProduceError, *, detailed: bool) -> Response:
    """Return the response to a record that was not written: 502, or 503 to try again soon."""
    text = detail(error) if detailed else NOT_SENT
    body = _body({"message": _BAD_GATEWAY, "error": text})
    if isinstance(error, BufferFull | ProducerUnhealthy):
        return Response(503, [_JSON, _RETRY_AFTER], body)
    return Response(502, [_JSON], body)


def refused(error: RequestRejected) -> Response:
    """Return the response to a request that cannot become a record."""
    if error.status >= 500:
        return Response(error.status, [_JSON], _body({"message": error.message}))
    # The documented body of this one says Bad Gateway, whatever its status.
    message = _TITLES.get(error.status, _BAD_REQUEST)
    if error.message == TOPIC_NOT_ALLOWED:
        message = _BAD_GATEWAY
    body = _body({"message": message, "error": error.message})
    # RFC 9110 §12.5.3: which codings would have been taken.
    headers = [_JSON, _NO_CODING] if error.status == 415 else [_JSON]
    return Response(error.status, headers, body)


def broken(status: int, error: str) -> FixedResponse:
    """Return the response of a plugin that has no producer: 500 or 502."""
    return FixedResponse(status, [_JSON], _body({"message": _BAD_GATEWAY, "error": error}))


def closed(_: object) -> FixedResponse:
    """Return the response of a plugin that is closed."""
    return broken(503, "the plugin is not in use any more")


def many(errors: Sequence[ProduceError | None], *, buffered: bool, detailed: bool) -> Response:
    """Return the response to many records: 200, 207 when some failed, 502 when all did."""
    good = {"status": "buffered" if buffered else "sent"}
    results: list[dict[str, Any]] = [
        good
        if error is None
        else {"status": "failed", "error": detail(error) if detailed else NOT_SENT}
        for error in errors
    ]
    lost = sum(error is not None for error in errors)
    if lost == len(errors):
        status, body = 502, {"message": _BAD_GATEWAY, "error": NOT_SENT, "records": results}
    elif lost:
        status, body = 207, {"message": "some messages were not sent", "records": results}
    else:
        status, body = 200, {"message": "message sent", "records": results}
    return Response(status, [_JSON], _body(body))
