# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.control_plane.admin.openapi.operations import HEADERS, OPERATIONS, QUERY


def test_operations_name_parameters_that_there_are_and_say_what_they_do() -> None:
    for (method, path), one in OPERATIONS.items():
        assert one.summary.endswith("."), (method, path)
        assert set(one.query) <= set(QUERY)
        assert set(one.headers) <= set(HEADERS)
        assert one.answer is not None or method == "DELETE" or "health" in path
