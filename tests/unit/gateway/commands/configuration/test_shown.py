# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from gateway.commands.configuration.shown import as_json, show_changes, show_table, summary
from gateway.commands.lines import line
from gateway.control_plane.page.changes import EntityChange, FieldChange

CHANGES = [
    EntityChange("added", "services", "a", "", "team-a", [FieldChange("host", None, "[b]h.test")]),
    EntityChange(
        "changed", "routes", "r", "service a", "", [FieldChange("paths", '["/a"]', '["/b"]')]
    ),
    EntityChange("removed", "consumers", "ann", "", "", [FieldChange("username", "ann", None)]),
]


def _printed(terminal: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, highlight=False, soft_wrap=True)
    show_changes(CHANGES, console)
    return out.getvalue()


def test_changes_are_read_line_by_line() -> None:
    assert _printed(terminal=False).splitlines() == [
        "+ service a",
        "    host: [b]h.test",
        "~ route r (service a)",
        '    paths: ["/a"] -> ["/b"]',
        "- consumer ann",
        "    username: ann",
        "1 added, 1 changed, 1 removed",
    ]


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[32m" in _printed(terminal=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in _printed(terminal=True)


def test_programs_get_the_same_with_the_counts() -> None:
    body = as_json(CHANGES, owner="team-a")
    assert body["summary"] == {"added": 1, "changed": 1, "removed": 1}
    assert body["changes"][1]["fields"] == [
        {"path": "paths", "before": '["/a"]', "after": '["/b"]'}
    ]
    assert body["owner"] == "team-a"
    assert summary([]) == "no difference"


@given(st.text())
def test_no_text_has_more_than_a_line_or_steers_the_terminal(text: str) -> None:
    shown = line(text)
    assert shown.isprintable()
    out = io.StringIO()
    show_table(("name",), [(text,)], Console(file=out, soft_wrap=True, highlight=False))
    assert len(out.getvalue().split("\n")) == 3
