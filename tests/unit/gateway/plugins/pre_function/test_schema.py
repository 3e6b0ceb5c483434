# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.errors import SchemaViolation
from tests.support.policies import checked

PHASES = ("certificate", "rewrite", "access", "header_filter", "body_filter", "log")


def test_the_defaults_are_empty_lists() -> None:
    found = checked("pre-function", access=["return 1"])
    assert found["access"] == ["return 1"]
    assert all(found[name] == [] for name in found if name != "access")
    assert set(PHASES) <= set(found)


def test_without_any_chunk_it_is_refused() -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked("pre-function")
    listed = ", ".join(f"'config.{name}'" for name in PHASES)
    text = f"at least one of these fields must be non-empty: {listed}"
    assert caught.value.fields == {"@entity": [text]}


@pytest.mark.parametrize("phase", ["rewrite", "access", "header_filter", "body_filter", "log"])
@pytest.mark.parametrize("name", ["pre-function", "post-function"])
def test_a_chunk_that_is_no_lua_is_refused(name: str, phase: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked(name, **{phase: ["return 1", "print("]})
    text = f"error parsing {name}: [string \"print(\"]:1: unexpected symbol near '<eof>'"
    assert text in str(caught.value.fields["config"][phase])


@pytest.mark.parametrize("phase", ["certificate", "ws_handshake", "ws_close"])
def test_phases_that_are_not_served_must_be_empty(phase: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked("pre-function", access=["return 1"], **{phase: ["return 1"]})
    assert "not run in this phase" in caught.value.fields["config"][phase]
