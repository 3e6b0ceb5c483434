# SPDX-License-Identifier: Apache-2.0
"""The dashboards are as Grafana reads them, and as people can."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.support.prometheus import DASHBOARDS, dashboard

_COLUMNS = 24
_UNITS = {"short", "percentunit", "ms", "s", "bytes", "Bps", "reqps"}
"""Grafana's ids of units that are in use here (its ``valueFormats``)."""

each = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)


def panels(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = dashboard(path)["panels"]
    return found


def figures(panel: dict[str, Any]) -> bool:
    """Tell whether a panel shows values, and not labels only."""
    (first, *_) = panel.get("transformations", [{"options": {}}])
    return "Value" not in first["options"].get("excludeByName", ())


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
        assert any(given) or not figures(panel), panel["title"]


@each
def test_tables_show_what_is_named_and_nothing_of_the_scrape(path: Path) -> None:
    for panel in (one for one in panels(path) if one["type"] == "table"):
        columns = panel["transformations"][0]["options"]
        shown = set(columns["renameByName"])
        assert shown == set(columns["indexByName"]), panel["title"]
        assert not shown & set(columns["excludeByName"]), panel["title"]
        (target,) = panel["targets"]
        aggregated = re.match(r"max by \(([\w, ]+)\)", target["expr"])
        assert aggregated is not None, panel["title"]
        assert shown - {"Value"} == set(aggregated[1].split(", ")), panel["title"]


@each
def test_what_is_counted_one_by_one_has_no_fractions_on_its_axis(path: Path) -> None:
    for panel in (one for one in panels(path) if one["type"] == "timeseries"):
        asked = " ".join(target["expr"] for target in panel["targets"])
        config = panel["fieldConfig"]["defaults"]
        if config["unit"] == "short" and "rate(" not in asked:
            assert config["decimals"] == 0, panel["title"]
            assert config["custom"]["axisSoftMax"] == 1, panel["title"]


@each
def test_figures_that_need_a_per_second_say_so(path: Path) -> None:
    for panel in (one for one in panels(path) if one["type"] != "row"):
        asked = " ".join(target["expr"] for target in panel["targets"])
        plain = panel["fieldConfig"]["defaults"].get("unit") == "short"
        if plain and "rate(" in asked:
            assert "per second" in panel["title"]


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


@each
def test_what_is_wrong_is_red_and_what_is_right_is_green(path: Path) -> None:
    meanings = {
        "{{code}}": {"200": "green", "503": "red"},
        "{{condition}}": {"current": "green", "away": "red"},
        "{{bootstrap}} {{state}}": {"kafka:9092 up": "green", "kafka:9092 down": "red"},
    }
    for panel in (one for one in panels(path) if one["type"] == "timeseries"):
        colours = {
            one["matcher"]["options"].strip("/"): one["properties"][0]["value"]["fixedColor"]
            for one in panel["fieldConfig"]["overrides"]
        }
        for name, wanted in meanings.get(panel["targets"][0]["legendFormat"], {}).items():
            found = [colour for pattern, colour in colours.items() if re.search(pattern, name)]
            assert found == [wanted], (panel["title"], name)
