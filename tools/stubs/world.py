# SPDX-License-Identifier: Apache-2.0
"""The world as the stub providers know it: a folder with one JSON file a resource, and a log.

Tests read it, edit it (drift) and remove files from it (something was deleted by hand).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Thing:
    """One resource that is there; ``place`` is what it lies in, where ids are unique only there."""

    type: str
    id: str
    urn: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    place: str = ""


@dataclass(frozen=True)
class LogEntry:
    """One line of the log."""

    operation: str
    urn: str
    id: str


class World:
    """What was made and not removed, below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "log.jsonl"
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, operation: str, thing: Thing) -> None:
        """Write a resource down, whole or not at all."""
        file = self.file(thing.type, thing.id, thing.place)
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        new.write_text(json.dumps(asdict(thing), indent=1, sort_keys=True))
        new.replace(file)
        self._note(LogEntry(operation, thing.urn, thing.id))

    def get(self, token: str, identity: str, place: str = "") -> Thing | None:
        """Return a resource, or None when it is not there."""
        file = self.file(token, identity, place)
        return Thing(**json.loads(file.read_text())) if file.exists() else None

    def remove(self, token: str, identity: str, urn: str, place: str = "") -> None:
        """Remove a resource; one that is gone already is fine."""
        self.file(token, identity, place).unlink(missing_ok=True)
        self._note(LogEntry("delete", urn, identity))

    def clear(self, place: str) -> None:
        """Remove all that lies in ``place``, as nobody's doing."""
        for thing in list(self.things()):
            if thing.place == place:
                self.file(thing.type, thing.id, place).unlink(missing_ok=True)

    def things(self) -> Iterator[Thing]:
        """Yield all that is there."""
        for file in sorted(self._folder.glob("*/*.json")):
            # Something else may be removing it at this moment.
            text = ""
            with suppress(FileNotFoundError):
                text = file.read_text()
            if text:
                yield Thing(**json.loads(text))

    def note(self, operation: str, urn: str) -> None:
        """Write down something that made and removed nothing."""
        self._note(LogEntry(operation, urn, ""))

    def log(self) -> list[LogEntry]:
        """Return what was done, in order; without what another process is just writing."""
        lines = self._log.read_text().splitlines(keepends=True) if self._log.exists() else []
        return [LogEntry(**json.loads(line)) for line in lines if line.endswith("\n")]

    def edit(self, thing: Thing, inputs: Mapping[str, Any]) -> None:
        """Change a resource behind the program's back."""
        changed = replace(
            thing, inputs={**thing.inputs, **inputs}, outputs={**thing.outputs, **inputs}
        )
        self.file(thing.type, thing.id, thing.place).write_text(json.dumps(asdict(changed)))

    def say(self, topic: str, value: Any) -> None:
        """Have a cloud say ``value`` of something that nobody makes, such as its zones."""
        (self._folder / f"{topic}.said").write_text(json.dumps(value))

    def said(self, topic: str, usual: Any) -> Any:
        """Return what a cloud says of ``topic``: what it was told to, else the usual."""
        file = self._folder / f"{topic}.said"
        return json.loads(file.read_text()) if file.exists() else usual

    def file(self, token: str, identity: str, place: str = "") -> Path:
        """Return the file of a resource."""
        name = hashlib.sha256(f"{place}{identity}".encode()).hexdigest()[:24]
        return self._folder / token.replace("/", "~").replace(":", "_") / f"{name}.json"

    def _note(self, entry: LogEntry) -> None:
        line = (json.dumps(asdict(entry)) + "\n").encode()
        # One write to a file opened for appending: lines of several plugins do not mix.
        handle = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)
