# SPDX-License-Identifier: Apache-2.0
"""A file of JSON lines that may be moved away, and a disk that may be full."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from gateway.control_plane.access.audit_file import AuditFile
from gateway.errors import AuditError


def lines(path: Path) -> list[int]:
    """Return the numbers in a file."""
    return [json.loads(line)["n"] for line in path.read_text().splitlines()]


def test_lines_are_appended_to_a_file_of_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    for n in (1, 2):
        file = AuditFile(path)
        file.open()
        file.write([{"n": n}, {"n": n * 10}])
        file.close()
    assert lines(path) == [1, 10, 2, 20]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("how", ["renamed", "removed", "emptied"])
def test_a_file_may_be_rotated_at_any_time(tmp_path: Path, how: str) -> None:
    path, old = tmp_path / "audit.log", tmp_path / "audit.log.1"
    file = AuditFile(path)
    file.write([{"n": 1}])
    if how == "renamed":
        path.rename(old)
    elif how == "removed":
        path.unlink()
    else:
        os.truncate(path, 0)
    file.write([{"n": 2}])
    file.close()
    assert lines(path) == [2]
    if how == "renamed":
        assert lines(old) == [1]


def test_what_does_not_fit_leaves_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "audit.log"
    file = AuditFile(path)
    file.write([{"n": 1}])
    write, calls = os.write, iter((True, False))

    def full(descriptor: int, data: memoryview) -> int:
        if next(calls):
            return write(descriptor, data[:5])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(AuditError, match="No space left"):
        patch.setattr(os, "write", full)
        file.write([{"n": 2}])
    file.write([{"n": 3}])
    file.close()
    assert lines(path) == [1, 3]


def test_a_file_that_cannot_be_made_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="cannot write the audit log"):
        AuditFile(tmp_path / "none" / "audit.log").open()


def test_a_device_that_is_full_is_said() -> None:
    with pytest.raises(AuditError, match="No space left on device"):
        AuditFile(Path("/dev/full")).write([{"n": 1}])
