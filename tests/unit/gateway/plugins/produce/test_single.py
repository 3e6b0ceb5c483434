# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.http.messages import Pending, Request, Response
from gateway.kafka.batch import Header
from gateway.plugins.opentelemetry.trace import Trace
from gateway.plugins.produce.single import SingleRecords
from tests.support.requests import request_of

OWN: Sequence[Header] = (("own", b"1"),)
PASSING = (("traceparent", b"00"),)
LATER = Response(200, [])


class Subject:
    """What sends the record of one request; ``sent`` has what the producer was given."""

    def __init__(self, *, only_traces: bool, waits: bool = False) -> None:
        self.only_traces = only_traces
        self.most_passing = 8
        self.sent: list[tuple[Any, ...]] = []
        self.asked: list[int] = []
        self._waits = waits
        self.single = SingleRecords(
            self,  # type: ignore[arg-type]  # a sender is asked nothing where all is well
            "t",
            lambda _, body: body,
            lambda *given: self.sent.append(given),
            self,
            10,
            self._must_wait,
            lambda _: LATER,
        )

    def fitting(self, request: Request, size: int) -> Sequence[Header]:
        return OWN

    def _must_wait(self, request: Request, size: int) -> bool:
        self.asked.append(size)
        return self._waits


def asking(size: int, *, passing: bool = False, traced: bool = False) -> Request:
    request = request_of()
    request.body = b"x" * size
    request.passing = PASSING if passing else ()
    request.trace = Trace(b"1" * 32, b"2" * 16, True) if traced else None
    return request


@pytest.mark.parametrize(
    ("only_traces", "request_", "headers"),
    [
        (True, asking(10), ()),
        (True, asking(11), OWN),
        (True, asking(10, traced=True), OWN),
        (False, asking(10), OWN),
        (True, asking(8, passing=True), PASSING),
        (False, asking(8, passing=True), PASSING),
        (False, asking(9, passing=True), OWN),
    ],
)
def test_a_record_has_the_headers_that_fit_beside_it(
    only_traces: bool, request_: Request, headers: Sequence[Header]
) -> None:
    subject = Subject(only_traces=only_traces)
    response = subject.single.take(request_)
    assert isinstance(response, Pending)
    ((topic, value, key, found, _),) = subject.sent
    assert (topic, value, key, found) == ("t", request_.body, None, headers)


def test_the_response_comes_with_the_report() -> None:
    subject = Subject(only_traces=True)
    response = subject.single.take(asking(1))
    assert isinstance(response, Pending)
    seen: list[Response] = []
    response.then(seen.append)
    assert seen == []
    subject.sent[0][-1](None)
    assert [one.status for one in seen] == [200]


@pytest.mark.parametrize("waits", [False, True])
def test_a_record_that_has_to_be_admitted_goes_in_turns_where_it_must_wait(waits: bool) -> None:
    subject = Subject(only_traces=True, waits=waits)
    request = asking(3)
    request.admission = object()  # only whether there is one is asked
    response = subject.single.take(request)
    assert subject.asked == [3]
    assert (response is LATER, len(subject.sent)) == (waits, 0 if waits else 1)
