# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.errors import SchemaViolation
from tests.support.policies import checked


def test_the_defaults_are_kongs_and_null_means_them() -> None:
    expected = {
        "header_name": "Kong-Request-ID",
        "generator": "uuid#counter",
        "echo_downstream": False,
    }
    assert checked("correlation-id") == expected
    assert checked("correlation-id", generator=None, header_name=None) == expected


def test_another_generator_is_refused() -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked("correlation-id", generator="random")
    assert caught.value.fields["config"]["generator"].startswith(
        "expected one of: uuid, uuid#counter, tracker"
    )
