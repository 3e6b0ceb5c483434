# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.entities.plugin_types import plugin_type, plugin_types
from gateway.errors import SchemaViolation


def test_plugins_are_found_by_entry_points() -> None:
    assert plugin_types()["kafka-upstream"].priority == 751
    assert plugin_types()["confluent"].priority == 752
    assert plugin_type("confluent").name == "confluent"


def test_an_unknown_plugin_names_the_nearest_and_all() -> None:
    with pytest.raises(SchemaViolation) as caught:
        plugin_type("kafka-upsteam")
    text = caught.value.fields["name"]
    assert 'did you mean "kafka-upstream"?' in text
    assert "confluent" in text
