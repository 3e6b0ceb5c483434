# SPDX-License-Identifier: Apache-2.0
"""Replay vector files: ``python -m tests.vectors FILE…``, closing with ``N passed, N failed``.

A file is a JSON object; each of its lists is replayed by the function of its name. Vectors that
hold for Kong's ``traditional`` router only are not counted: that flavour is not ours.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.vectors.plugins import replay_plugin_lookup, replay_plugin_order
from tests.vectors.router import replay_router
from tests.vectors.rules import (
    replay_escape,
    replay_normalise,
    replay_path_handling,
    replay_schema_routes,
)

Outcome = tuple[str, str | None]
"""A vector's label and what is wrong, None when it passed."""

REPLAYS: dict[str, Callable[[dict[str, Any]], Iterator[Outcome]]] = {
    "vectors": replay_router,
    "normalise": replay_normalise,
    "escape": replay_escape,
    "schema_routes": replay_schema_routes,
    "path_handling": replay_path_handling,
    "plugin_lookup": replay_plugin_lookup,
    "plugin_order": replay_plugin_order,
}


def replay(path: Path) -> Iterator[Outcome]:
    """Replay every list of a vector file."""
    document = json.loads(path.read_text(encoding="utf-8"))
    for name in document:
        if name == "route_sets":
            continue
        if name not in REPLAYS:
            yield f"{path.name} {name}", "this kind of vector is not known here"
            continue
        for label, problem in REPLAYS[name](document):
            yield f"{path.name} {name} {label}", problem


def main(arguments: list[str]) -> int:
    """Replay the files named, print what failed and the count; return the exit status."""
    if not arguments:
        sys.stderr.write("usage: python -m tests.vectors FILE…\n")
        return 2
    passed = failed = 0
    for argument in arguments:
        for label, problem in replay(Path(argument)):
            if problem is None:
                passed += 1
            else:
                failed += 1
                sys.stdout.write(f"FAILED {label}: {problem}\n")
    sys.stdout.write(f"{passed} passed, {failed} failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
