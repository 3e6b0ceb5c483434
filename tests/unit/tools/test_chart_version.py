# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from tools import chart_version

TEXT = 'name: x\nversion: 0.0.0\nappVersion: "0.0.0"\n'


def chart(folder: Path, values: str = "a: 1\n", metadata: str = TEXT) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Chart.yaml").write_text(metadata)
    (folder / "values.yaml").write_text(values)
    return folder


def test_the_committed_chart_carries_the_version_of_its_content() -> None:
    assert chart_version.main(["--check"]) == 0


def test_any_edit_of_the_chart_changes_its_version(tmp_path: Path) -> None:
    first = chart_version.content_digest(chart(tmp_path / "a"))
    assert chart_version.content_digest(chart(tmp_path / "b")) == first
    assert chart_version.content_digest(chart(tmp_path / "c", values="a: 2\n")) != first
    other = chart(tmp_path / "d", metadata=TEXT + "description: y\n")
    assert chart_version.content_digest(other) != first


def test_the_versions_themselves_do_not_count(tmp_path: Path) -> None:
    first = chart_version.content_digest(chart(tmp_path / "a"))
    written = chart_version.with_version(TEXT, "1.2.3", first)
    assert f"version: 1.2.3+{first}\n" in written
    assert 'appVersion: "1.2.3"\n' in written
    assert chart_version.content_digest(chart(tmp_path / "b", metadata=written)) == first
