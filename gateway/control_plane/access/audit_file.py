# SPDX-License-Identifier: Apache-2.0
"""The audit log as a file of JSON lines, which may be moved away at any time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from gateway.errors import AuditError


class AuditFile:
    """Appends lines to a file that only its owner reads. Methods block.

    A file that was renamed or removed is made anew (logrotate without ``copytruncate``), and one
    that was emptied is written on from its beginning (with it).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def open(self) -> None:
        """Make sure that the file can be written; raises ``AuditError``."""
        try:
            self._current()
        except OSError as error:
            raise self._failed(error) from error

    def write(self, entries: Sequence[dict[str, Any]]) -> None:
        """Append entries, all or none; raises ``AuditError``."""
        content = b"".join(orjson.dumps(one) + b"\n" for one in entries)
        try:
            file = self._current()
            before = os.fstat(file).st_size
            try:
                self._append(file, content)
            except OSError:
                # No half a line: what follows would not be JSON.
                with suppress(OSError):
                    os.ftruncate(file, before)
                raise
        except OSError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _append(self, file: int, content: bytes) -> None:
        left = memoryview(content)
        while left:
            left = left[os.write(file, left) :]

    def _current(self) -> int:
        if self._file is not None:
            with suppress(OSError):
                if os.path.samestat(os.fstat(self._file), self._path.stat()):
                    return self._file
            self.close()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._file = os.open(self._path, flags, 0o600)
        return self._file

    def _failed(self, error: OSError) -> AuditError:
        return AuditError(f"cannot write the audit log {self._path}: {error.strerror}")
