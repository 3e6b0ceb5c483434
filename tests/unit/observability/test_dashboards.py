# SPDX-License-Identifier: Apache-2.0
"""The dashboards are as Grafana reads them, and as people can."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.support.prometheus import DASHBOARDS, dashboard

_COLUMNS = 24
_UNITS = {"short", "percentunit", "ms", "s", "bytes", "Bps", "reqps", "wps", "cps"}
"""Grafana's ids of units that are in use here (its ``valueFormats``)."""

each = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)


def panels(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = dashboard(path)["panels"]
    return found


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return (
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )


def test_there_is_one_for_each_view() -> None:
    names = [path.stem for path in DASHBOARDS]
    assert names == ["control-plane", "kafka-delivery", "overview", "policies"]
    assert len({dashboard(path)["uid"] for path in DASHBOARDS}) == len(names)
    assert len({dashboard(path)["title"] for path in DASHBOARDS}) == len(names)


@each
def test_panels_have_numbers_of_their_own_and_lie_side_by_side(path: Path) -> None:
    found = panels(path)
    assert len({one["id"] for one in found}) == len(found)
    for one in found:
        place = one["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= _COLUMNS, one["title"]
        assert place["h"] > 0
    for one, other in combinations(found, 2):
        assert not overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])


@each
def test_each_panel_says_what_it_shows(path: Path) -> None:
    titles = []
    for panel in panels(path):
        titles.append(panel["title"])
        if panel["type"] == "row":
            continue
        assert panel["description"].endswith("."), panel["title"]
        assert panel["targets"], panel["title"]
        for target in panel["targets"]:
            assert target["legendFormat"] or panel["type"] == "table", panel["title"]
    assert len(set(titles)) == len(titles)


@each
def test_each_figure_has_a_unit(path: Path) -> None:
    for panel in panels(path):
        if panel["type"] == "row":
            continue
        config = panel["fieldConfig"]
        given = [config["defaults"].get("unit")]
        given += [
            one["value"]
            for override in config["overrides"]
            for one in override["properties"]
            if one["id"] == "unit"
        ]
        assert _UNITS.issuperset(filter(None, given)), panel["title"]
        assert any(given), panel["title"]


@each
def test_the_data_source_is_chosen_and_all_panels_follow(path: Path) -> None:
    found = dashboard(path)
    variables = {one["name"]: one for one in found["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    for panel in found["panels"]:
        if panel["type"] == "row":
            continue
        for one in (panel, *panel["targets"]):
            assert one["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        for target in panel["targets"]:
            assert 'job=~"$job",instance=~"$instance"' in target["expr"], panel["title"]
            assert "[$__rate_interval]" in target["expr"] or "rate(" not in target["expr"]


@each
def test_it_can_be_imported_anywhere(path: Path) -> None:
    found = dashboard(path)
    assert "id" not in found  # Grafana gives it, and takes one of another database for its own
    assert found["schemaVersion"] >= 39
    assert found["tags"] == ["kafka-gateway"]
    assert found["description"]
    assert found["title"].startswith("Kafka gateway / ")
