# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import importlib

import pytest

from tools.stubs.install import PACKAGES
from tools.stubs.package import digits, named, prefixed


def test_an_id_depends_on_what_it_is_made_of_only() -> None:
    assert digits("one", 12) == digits("one", 12) != digits("two", 12)
    assert set(digits("one", 200, "ab")) == {"a", "b"}
    assert prefixed("vpc")("seed", {}).startswith("vpc-")
    assert named("metadata", "name")("seed", {"metadata": {"name": "x"}}) == "x"


@pytest.mark.parametrize("name", [*PACKAGES, "gateway"])
def test_every_package_has_its_name_and_types_of_its_own(name: str) -> None:
    package = importlib.import_module(f"tools.stubs.packages.{name}").PACKAGE
    assert package.name == name
    for token, kind in package.types.items():
        assert token.count(":") == 2
        assert callable(kind.identity)
