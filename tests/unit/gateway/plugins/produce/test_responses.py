# SPDX-License-Identifier: Apache-2.0
"""The responses that Kong documents for the plugins that write records."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.errors import BufferFull, ProduceError, ProducerUnhealthy, RequestRejected
from gateway.http.messages import Response
from gateway.plugins.produce import responses

DENIED = ProduceError("TOPIC_AUTHORIZATION_FAILED", "Broker: no")


def body(response: Response) -> Any:
    assert isinstance(response.body, bytes)
    return orjson.loads(response.body)


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        ("TOPIC_AUTHORIZATION_FAILED", "TopicAuthorizationFailed"),
        ("_MSG_TIMED_OUT", "MessageTimedOut"),
        ("UNKNOWN_TOPIC_OR_PART", "UnknownTopicOrPartition"),
    ],
)
def test_errors_have_the_names_of_kongs_library(reason: str, name: str) -> None:
    assert responses.kong_name(reason) == name


def test_the_error_is_shown_only_where_it_may_be() -> None:
    assert body(responses.failed(DENIED, detailed=False))["error"] == responses.NOT_SENT
    shown = body(responses.failed(DENIED, detailed=True))["error"]
    assert shown == "TopicAuthorizationFailed: Broker: no"


@pytest.mark.parametrize("kind", [BufferFull, ProducerUnhealthy])
def test_what_is_worth_trying_again_is_503(kind: type[ProduceError]) -> None:
    response = responses.failed(kind("_QUEUE_FULL"), detailed=False)
    assert response.status == 503
    assert (b"Retry-After", b"1") in response.headers


@pytest.mark.parametrize(
    ("errors", "status"), [([None, None], 200), ([None, DENIED], 207), ([DENIED, DENIED], 502)]
)
def test_many_records_are_listed_each(errors: list[ProduceError | None], status: int) -> None:
    response = responses.many(errors, buffered=False, detailed=False)
    assert response.status == status
    found = [one["status"] for one in body(response)["records"]]
    assert found == ["sent" if error is None else "failed" for error in errors]


def test_a_refused_coding_names_the_one_that_is_taken() -> None:
    # RFC 9110 section 12.5.3.
    response = responses.refused(RequestRejected(415, "encoded"))
    assert (b"Accept-Encoding", b"identity") in response.headers
