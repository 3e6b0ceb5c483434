# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.control_plane.clustering.compat import check_plugins, check_version, version_number

VECTORS = Path(__file__).parents[4] / "vectors" / "hybrid.json"


def _vectors() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(VECTORS.read_text())["version_number"]
    return found


@pytest.mark.parametrize("vector", _vectors(), ids=lambda vector: str(vector["in"]))
def test_version_numbers_have_three_digits_for_each_part(vector: dict[str, Any]) -> None:
    assert version_number(vector["in"]) == vector["out"]


def test_text_that_is_no_version_is_refused() -> None:
    with pytest.raises(ValueError, match="banana"):
        version_number("banana")


def test_reasons_name_both_versions() -> None:
    problem = check_version("3.10.0", "3.11.0")
    assert problem is not None
    assert problem.reason == "data plane version 3.11.0 is newer than control plane version 3.10.0"


def test_reasons_name_the_plugins_that_are_missing_and_the_one_that_does_not_fit() -> None:
    missing = check_plugins({"b": "3.10.0", "a": "3.10.0"}, {})
    assert missing is not None
    assert "lacks plugin a, b" in missing.reason
    other = check_plugins({"a": "3.10.0"}, {"a": "4.0.0"})
    assert other is not None
    assert "plugin a 4.0.0 is of another major version than version 3.10.0" in other.reason


def test_plugins_that_the_configuration_does_not_use_do_not_count() -> None:
    assert check_plugins({}, {"a": "1.0.0"}) is None
    assert check_plugins({"a": "3.10.0"}, {"a": None, "b": "9.9.9"}) is None
