# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import SchemaViolation
from gateway.plugins.http_log.schema import Config
from tests.support.policies import checked

URL = "http://myservice.com/path"


def problem(**config: Any) -> Any:
    with pytest.raises(SchemaViolation) as caught:
        checked("http-log", **{"http_endpoint": URL, **config})
    return caught.value.fields["config"]


def test_an_endpoint_is_all_it_needs() -> None:
    found = checked("http-log", http_endpoint=URL)
    queue = found.pop("queue")
    assert queue["max_batch_size"] == 1
    assert found == {
        "http_endpoint": URL,
        "method": "POST",
        "content_type": "application/json",
        "timeout": 10000,
        "keepalive": 60000,
        "headers": None,
        "ssl_verify": False,
        "client_certificate": None,
        "retry_count": None,
        "queue_size": None,
        "flush_timeout": None,
        "custom_fields_by_lua": None,
    }


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Host", "Host"), ("coNTEnt-Length", "Content-Length"), ("coNTEnt-Type", "Content-Type")],
)
def test_headers_of_our_own_are_refused(name: str, shown: str) -> None:
    text = f"cannot contain '{shown}' header"
    assert problem(headers={"X-My-Header": "123", name: "x"})["headers"] == text
    checked("http-log", http_endpoint=URL, headers={"X-My-Header": "123", "X-Your-Header": "abc"})


def test_there_is_one_authorization() -> None:
    found = problem(http_endpoint="http://hi:there@myservice.com/", headers={"AuthoRIZATion": "x"})
    assert "not allowed" in str(found)
    assert "there@" not in str(found)


@pytest.mark.parametrize(
    "wrong",
    [
        {"http_endpoint": "myservice.com"},
        {"http_endpoint": "ftp://a/"},
        {"http_endpoint": "http://"},
        {"method": "GET"},
        {"content_type": "text/plain"},
        {"timeout": 0},
        {"headers": {"X": ""}},
        {"headers": {"a b": "c"}},
        {"queue": {"max_batch_size": 0}},
        {"queue_size": -1},
        {"client_certificate": {"id": "x"}},
    ],
)
def test_what_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    assert problem(**wrong)


def test_secrets_may_be_vault_references() -> None:
    checked("http-log", http_endpoint="{vault://env/URL}", headers={"A": "{vault://env/TOKEN}"})


def test_deprecated_fields_stand_in_for_the_queues_where_they_say_something() -> None:
    def limits(**config: Any) -> tuple[int, float]:
        found = Config.model_validate({"http_endpoint": URL, **config}).limits()
        return found.batch, found.coalescing

    assert limits() == (1, 1)
    assert limits(queue_size=1, flush_timeout=2, retry_count=10) == (1, 1)
    assert limits(queue_size=20, flush_timeout=0.5) == (20, 0.5)
    assert limits(queue={"max_batch_size": 7, "max_coalescing_delay": 3}) == (7, 3)
    texts = Config.model_validate({"http_endpoint": URL, "retry_count": 5}).warnings()
    assert texts == ["retry_count: deprecated in Kong; use queue instead"]
