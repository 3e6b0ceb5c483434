# SPDX-License-Identifier: Apache-2.0
"""Files that are either the old one or the new one, also after a power cut."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import get_native_id


def write_atomically(path: Path, content: bytes) -> None:
    """Replace ``path``, mode 0600, parents made with 0700. Raises ``OSError``."""
    _write(path, content, os.replace)


def create_atomically(path: Path, content: bytes) -> bool:
    """Do the same unless there is such a file; return whether there was none.

    Of several processes that try at once one succeeds, and all find its file whole.
    """
    try:
        _write(path, content, os.link)
    except FileExistsError:
        return False
    return True


def _write(path: Path, content: bytes, put: Callable[[Path, Path], None]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{get_native_id()}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        put(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # The new name is on disk only when its folder is.
        os.fsync(folder)
    finally:
        os.close(folder)
