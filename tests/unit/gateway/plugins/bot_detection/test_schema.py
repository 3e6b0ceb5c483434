# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.entities import validate_row
from gateway.errors import SchemaViolation


@pytest.mark.parametrize("field", ["allow", "deny"])
def test_what_is_no_regex_is_refused_with_the_reason(field: str) -> None:
    for pattern, text in (("a(b", "missing \\)"), ("(?<!a)b", "invalid perl operator")):
        with pytest.raises(SchemaViolation, match=text):
            validate_row("plugins", {"name": "bot-detection", "config": {field: [pattern]}})


def test_nothing_need_be_given() -> None:
    row = validate_row("plugins", {"name": "bot-detection"})
    assert row["config"] == {"allow": [], "deny": []}
