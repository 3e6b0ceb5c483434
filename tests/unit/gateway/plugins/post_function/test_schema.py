# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.plugins.post_function.schema import Config
from gateway.plugins.warnings import configuration_warnings
from tests.unit.gateway.plugins.test_warnings import KAFKA, warned


def test_its_texts_name_it() -> None:
    assert Config.plugin == "post-function"


def test_a_gate_behind_a_plugin_that_produces_is_warned_of() -> None:
    gate = {"name": "post-function", "config": {"access": ["kong.response.exit(403)"]}}
    found = warned(KAFKA, gate)
    assert len(found) == 1
    assert "use pre-function, which runs before it" in found[0]
    header = {"name": "post-function", "config": {"header_filter": ["return 1"]}}
    assert warned(KAFKA, header) == []
    assert configuration_warnings({}) == []
