# SPDX-License-Identifier: Apache-2.0
"""Private files in a directory of this machine, as inputs say them: ``directory`` and ``files``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gateway.atomic_file import write_atomically
from gateway.names.property_paths import render_path
from provider.fields import Problem
from provider.values import UNKNOWN, Properties


def file_problems(inputs: Properties) -> list[Problem]:
    """Return what is wrong with the directory and the names of the files."""
    problems: list[Problem] = []
    directory = inputs["directory"]
    if directory != UNKNOWN and (not Path(directory).is_absolute() or "\0" in directory):
        problems.append(("directory", "should be an absolute path"))
    problems.extend(
        (render_path(("files", name)), "should be a path below the directory")
        for name in _known_names(inputs["files"])
        if Path(name).is_absolute()
        or not Path(name).parts
        or {"..", "\0"} & {*Path(name).parts, *name}
    )
    return problems


def stale_files(inputs: Properties) -> list[str]:
    """Return the names of those that are not on disk as the inputs say."""
    directory = Path(inputs["directory"])
    return [
        name for name, content in inputs["files"].items() if _content(directory / name) != content
    ]


def write_files(inputs: Properties, names: Iterable[str]) -> None:
    """Write these, each as a whole, for nobody else to read."""
    for name in names:
        write_atomically(Path(inputs["directory"]) / name, inputs["files"][name].encode())


def remove_files(olds: Properties, news: Properties) -> None:
    """Remove those that the new inputs do not have."""
    same_place = olds.get("directory") == news["directory"]
    for name in olds.get("files", {}):
        if not same_place or name not in news["files"]:
            (Path(olds["directory"]) / name).unlink(missing_ok=True)


def _content(path: Path) -> str | None:
    try:
        return path.read_text()
    except (OSError, ValueError):
        return None


def _known_names(value: Any) -> list[str]:
    return list(value) if isinstance(value, dict) else []
