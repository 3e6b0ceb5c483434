# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.errors import SchemaViolation
from tests.support.policies import checked


def test_a_path_is_all_it_needs() -> None:
    assert checked("file-log", path="/var/log/a b.log") == {
        "path": "/var/log/a b.log",
        "reopen": False,
        "custom_fields_by_lua": None,
    }


@pytest.mark.parametrize("path", ["/a*", "/a&b", "/a%", "/a`", "a\\b", " /a", "/a ", "/a\n"])
def test_names_that_kong_refuses_are_refused(path: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked("file-log", path=path)
    assert caught.value.fields["config"]["path"] == "not a valid filename"


def test_a_missing_path_is_refused() -> None:
    with pytest.raises(SchemaViolation):
        checked("file-log")
