# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.plugins.transformations.statuses import StatusEntry, Statuses


def test_an_empty_list_names_all() -> None:
    assert 200 in Statuses([])
    assert 599 in Statuses([])


def test_statuses_and_ranges() -> None:
    found = Statuses(["200", "400-499"])
    assert [status in found for status in (199, 200, 201, 400, 450, 499, 500)] == [
        False, True, False, True, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize("entry", ["", "20", "600", "200-", "200-600", "2xx", " 200"])
def test_what_is_no_status_is_refused(entry: str) -> None:
    with pytest.raises(ValidationError, match="status code"):
        TypeAdapter(StatusEntry).validate_python(entry)
