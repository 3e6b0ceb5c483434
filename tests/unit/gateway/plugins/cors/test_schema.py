# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.errors import SchemaViolation
from tests.support.policies import checked


def test_the_defaults_are_kongs() -> None:
    found = checked("cors")
    assert sorted(found["methods"]) == [
        "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE",
    ]  # fmt: skip
    assert found["allow_origin_absent"] is True
    assert [found[name] for name in ("origins", "headers", "exposed_headers", "max_age")] == 4 * [
        None
    ]
    assert not any(found[name] for name in ("credentials", "private_network", "preflight_continue"))


def test_an_origin_that_is_no_regex_is_refused() -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked("cors", origins=["*", "a(b"])
    assert caught.value.fields == {"config": {"origins": {"2": "'a(b' is not a valid regex"}}}


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked("cors", methods=["GET", "BREW"])
    assert "expected one of" in caught.value.fields["config"]["methods"]["2"]
