# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.data_plane.master.checking import check_rows
from gateway.documents.document import to_table
from gateway.errors import ReleaseRefused
from gateway.hybrid.config_table import config_table
from gateway.hybrid.frame import entity_rows

DOCUMENT = {"services": {"s": {"url": "http://h/", "routes": {"r": {"paths": ["/a"]}}}}}


def rows() -> dict[str, list[dict[str, Any]]]:
    return entity_rows(config_table(to_table(DOCUMENT, "tests", 1)))


def problems(changed: dict[str, list[dict[str, Any]]]) -> list[str]:
    with pytest.raises(ReleaseRefused) as caught:
        check_rows(changed)
    return caught.value.errors


def test_rows_as_a_control_plane_sends_them_pass() -> None:
    check_rows(rows())


def test_a_row_and_a_collection_that_are_wrong_are_named() -> None:
    changed = rows()
    changed["routes"][0]["paths"] = ["no slash"]
    found = problems({**changed, "gadgets": []})
    assert any(text.startswith('routes["r"].paths') for text in found)
    assert any(text.startswith("gadgets: unknown collection; allowed: ") for text in found)


def test_rows_that_do_not_fit_together_are_refused() -> None:
    (twin,) = rows()["services"]
    changed = rows()
    changed["services"].append({**twin, "id": "6f0b0d0a-3f3c-4a44-9b0a-000000000001"})
    assert any("name" in text for text in problems(changed))


def test_of_very_many_problems_the_first_fifty_are_listed() -> None:
    changed = rows()
    changed["services"] += [{"id": str(number)} for number in range(200)]
    found = problems(changed)
    assert len(found) == 51
    assert found[-1].startswith("and ")
    assert found[-1].endswith(" more problems")
