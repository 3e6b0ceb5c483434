# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import SchemaViolation
from tests.support.policies import checked


def test_the_defaults_are_kongs() -> None:
    assert checked("request-termination") == {
        "status_code": 503,
        "message": None,
        "content_type": None,
        "body": None,
        "echo": False,
        "trigger": None,
    }


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"message": "m", "body": "b"}, "message cannot be used with content_type or body"),
        ({"message": "m", "content_type": "t"}, "message cannot be used with content_type or body"),
        ({"content_type": "text/html"}, "content_type requires a body"),
        ({"echo": True, "body": "b"}, "echo cannot be used with content_type and body"),
    ],
)
def test_fields_that_exclude_each_other_are_refused(config: dict[str, Any], text: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked("request-termination", **config)
    assert caught.value.fields == {"config": text}


@pytest.mark.parametrize("status", [99, 600, "503", 503.5])
def test_other_statuses_are_refused(status: Any) -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked("request-termination", status_code=status)
    assert "status_code" in caught.value.fields["config"]


def test_null_stands_for_what_is_not_there() -> None:
    found = checked("request-termination", message=None, status_code=None)
    assert found["status_code"] == 503


def test_a_trigger_is_a_headers_name() -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked("request-termination", trigger="a b")
    assert "bad header name" in caught.value.fields["config"]["trigger"]
