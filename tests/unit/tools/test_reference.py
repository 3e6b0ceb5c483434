# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from gateway.commands.check import check_file
from gateway.entities import ENTITIES
from gateway.entities.plugin_types import plugin_types
from gateway.settings.settings import NAMES, env_name
from tools import reference

PAGES = reference.pages()
PLUGIN_PAGES = [f"plugins/{name}.md" for name in plugin_types()]


def rows(page: str) -> list[list[str]]:
    lines = [line for line in PAGES[page].splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_committed_pages_are_in_step() -> None:
    assert reference.main(["--check"]) == 0


def test_a_page_that_differs_fails_the_check_and_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "ROOT", tmp_path)
    monkeypatch.setattr(reference, "FOLDER", tmp_path / "docs" / "reference")
    monkeypatch.setattr(reference, "pages", lambda: PAGES)
    assert reference.main([]) == 0
    (tmp_path / "docs" / "reference" / "plugins.md").write_text("older\n")
    assert reference.main(["--check"]) == 1
    assert "docs/reference/plugins.md: not what the code says now" in capsys.readouterr().err
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0


def test_every_setting_says_its_form_and_what_it_does() -> None:
    found = rows("settings.md")
    assert {row[0] for row in found} == {f"`{env_name(name)}`" for name in NAMES}
    assert [row[0] for row in found if not row[1] or not row[3]] == []


def test_every_entity_plugin_and_key_is_described() -> None:
    for entity in ENTITIES.values():
        assert f"\n## {entity.collection}\n" in PAGES["entities.md"]
    for page in ("entities.md", "config.md", *PLUGIN_PAGES):
        assert [row[0] for row in rows(page) if not row[3]] == []
    for plugin in plugin_types():
        assert f"[{plugin}](plugins/{plugin}.md)" in PAGES["plugins.md"]


@pytest.mark.parametrize("name", plugin_types())
def test_the_example_of_a_plugin_uses_it_and_passes_the_check(name: str) -> None:
    file = plugin_types()[name].folder / "example.yaml"
    assert check_file(file, {}) == ([], [])
    assert f"- name: {name}\n" in file.read_text()


def test_fields_of_records_stand_under_their_paths() -> None:
    fields = {row[0] for row in rows("plugins/kafka-upstream.md")}
    assert {"`bootstrap_servers[].port`", "`authentication.user`"} <= fields
