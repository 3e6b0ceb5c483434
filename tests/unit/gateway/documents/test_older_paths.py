# SPDX-License-Identifier: Apache-2.0
"""Paths of files before format 3.0 match what they matched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.documents.deck import load_deck
from gateway.documents.older_paths import renewed

ROUTES = """
services:
- name: orders
  url: http://orders.invalid
  routes:
  - name: nested
    paths: ["/orders/\\\\d+$", "/plain"]
routes:
- name: alone
  paths: ["/(a|b)"]
- name: without
  hosts: [a.test]
  paths: null
"""


@pytest.mark.parametrize(
    ("older", "today"),
    [
        ("/plain/path-1_2.~", "/plain/path-1_2.~"),
        ("/a%20b", "/a b"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a/../b//c", "/b/c"),
        ("/caf%C3%A9", "/café"),
        ("/%ff", "/%ff"),
        ("/orders/\\d+$", "~/orders/\\d+$"),
        ("/(?<id>[a-z]+)", "~/(?<id>[a-z]+)"),
        ("/a%2eb/\\d+", "~/a\\.b/\\d+"),
        ("/a%7E/\\d+", "~/a~/\\d+"),
        ("/a%2f/\\d+", "~/a%2F/\\d+"),
        ("/a%c3%a9/\\d+", "~/a%C3%A9/\\d+"),
        ("~/today/\\d+", "~/today/\\d+"),
        ("/${stack.name}", "/${stack.name}"),
    ],
)
def test_expressions_are_told_by_their_characters(older: str, today: str) -> None:
    assert renewed(older) == today


def paths(tmp_path: Path, header: str) -> list[Any]:
    file = tmp_path / "kong.yaml"
    file.write_text(header + ROUTES)
    document = load_deck(file, {})
    nested = document["services"]["orders"]["routes"]["nested"]
    return [nested["paths"], *(route["paths"] for route in document["routes"].values())]


@pytest.mark.parametrize("header", ['_format_version: "1.1"', "_format_version: 2.1", ""])
def test_all_routes_of_an_older_file_are_renewed(tmp_path: Path, header: str) -> None:
    assert paths(tmp_path, header) == [["~/orders/\\d+$", "/plain"], ["~/(a|b)"], None]


def test_a_file_of_today_is_taken_as_it_is(tmp_path: Path) -> None:
    header = '_format_version: "3.0"'
    assert paths(tmp_path, header) == [["/orders/\\d+$", "/plain"], ["/(a|b)"], None]
