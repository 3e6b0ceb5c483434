# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.control_plane.around import around_plugin
from gateway.control_plane.ownership import canonical
from gateway.documents.document import to_table
from gateway.plugins.warnings import configuration_warnings

KAFKA = {"config": {"topic": "t", "bootstrap_servers": [{"host": "localhost", "port": 9092}]}}


def document(scopes: list[str], name: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return two services with two routes each, and a plugin at the scopes."""
    extra = {name: {"config": config}}
    routes = {
        f"r{n}{k}": {"paths": [f"/r{n}{k}"], "plugins": {"kafka-upstream": KAFKA}}
        for n in range(2)
        for k in range(2)
    }
    for route in routes.values():
        if "route" in scopes:
            route["plugins"] = {"kafka-upstream": KAFKA, **extra}
    services: dict[str, Any] = {}
    for n in range(2):
        own = {key: route for key, route in routes.items() if key.startswith(f"r{n}")}
        services[f"s{n}"] = {"host": "a.test", "routes": own}
        if "service" in scopes:
            services[f"s{n}"]["plugins"] = extra
    whole: dict[str, Any] = {"services": services}
    if "global" in scopes:
        whole["plugins"] = extra
    return whole


@pytest.mark.parametrize("scopes", [["route"], ["service"], ["global"], ["route", "global"]])
@pytest.mark.parametrize(("name", "config"), [("post-function", {"access": ["return"]})])
def test_warnings_about_a_plugin_are_those_of_the_whole_configuration(
    scopes: list[str], name: str, config: dict[str, Any]
) -> None:
    table = canonical(to_table(document(scopes, name, config), "owner", 1))
    whole = configuration_warnings(table)
    assert any(name in text for text in whole)
    for row in table["plugins"]:
        found = configuration_warnings(around_plugin(table, row))
        texts = {text.partition(": ")[2] for text in found if f'"{row["name"]}"' in text}
        assert texts <= {text.partition(": ")[2] for text in whole}
        if row["name"] == name:
            assert texts
