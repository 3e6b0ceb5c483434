# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import SchemaViolation
from tests.support.policies import checked


def test_everything_has_a_default() -> None:
    assert checked("syslog") == {
        "log_level": "info",
        "successful_severity": "info",
        "client_errors_severity": "info",
        "server_errors_severity": "info",
        "facility": "user",
        "custom_fields_by_lua": None,
    }


@pytest.mark.parametrize("wrong", [{"log_level": "error"}, {"facility": "local8"}])
def test_unknown_words_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SchemaViolation):
        checked("syslog", **wrong)
