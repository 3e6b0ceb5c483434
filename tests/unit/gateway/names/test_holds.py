# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.names.holds import hold_problem


@pytest.mark.parametrize("name", ["ci-42", "a", "A.b_c-9", "x" * 100])
def test_a_name_is_short_and_fits_into_a_path(name: str) -> None:
    assert hold_problem(name) == ""


@pytest.mark.parametrize("name", ["", "a b", "a/b", "é", "x" * 101, "a\n"])
def test_any_other_is_refused_with_what_is_allowed(name: str) -> None:
    problem = hold_problem(name)
    assert f'"{name}"' in problem
    assert "1 to 100 letters" in problem
