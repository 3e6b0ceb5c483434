# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[4]


def test_nothing_runs_without_a_record(tmp_path: Path) -> None:
    """The plugin is killed between starting the process and recording it."""
    code = (
        "import os, sys; from pathlib import Path; from provider.local import process as s\n"
        "s.save_record = lambda *_: os.kill(os.getpid(), 9)\n"
        "folder = Path(sys.argv[1])\n"
        "s.start(s.ProcessSpec(['touch', str(folder / 'ran')], {}, folder, folder / 'log', ''))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    eventually(lambda: not _mentions(str(tmp_path / "ran")))
    assert not (tmp_path / "ran").exists()


def _mentions(text: str) -> bool:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if text.encode() in (entry / "cmdline").read_bytes():
                    return True
    return False
