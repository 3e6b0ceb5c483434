# SPDX-License-Identifier: Apache-2.0
"""What instructions are counted of: requests that are served, no two alike."""

from __future__ import annotations

import pytest

from bench import in_process, instructions


@pytest.mark.parametrize("case", in_process.CASES)
async def test_each_case_is_served_and_its_records_are_made(case: str) -> None:
    client = await in_process.connection()
    await client.warm_up(case)
    found = 404 if case.startswith("404") else 200
    assert client.transport.statuses == [b"HTTP/1.1 %d" % found] * 200
    assert client.sink.sent == (0 if case.startswith(("404", "proxied")) else 200)


@pytest.mark.parametrize("kind", ["file-log", "http-log"])
async def test_every_request_is_logged_in_the_cases_that_log(kind: str) -> None:
    client = await in_process.connection()
    await client.send(in_process.requests(f"{kind}, plain", 0, 250))
    await client.logs.close(60)
    assert client.logs.counts.report() == {"sent": {kind: 250}, "dropped": {}}


def test_one_trace_in_a_hundred_is_recorded() -> None:
    made = list(in_process.requests("opentelemetry, plain", 1, 200))
    assert sum(b"-01\r\n" in request for request in made) == 2
    assert sum(b"-00\r\n" in request for request in made) == 198


def test_no_two_requests_are_alike() -> None:
    for case in in_process.CASES:
        made = list(in_process.requests(case, 0, 50))
        assert len(set(made)) == 50


def test_a_case_that_grew_by_more_than_the_tolerance_is_named() -> None:
    before = {"a": 1000, "b": 1000}
    assert instructions.grown({"a": 1050, "b": 1051, "new": 5}, before) == ["b"]
    assert instructions.report({"b": 1100}, before) == ["b                        1,100  +10.0%"]
