# SPDX-License-Identifier: Apache-2.0
"""Which test a process of the tests died in, and where: said at once, and again at the end.

Each process writes what ``faulthandler`` finds to a file of its own, since on a shared standard
error it is mixed with the progress and the dumps of others. A plugin of pytest, beside xdist.
"""

from __future__ import annotations

import faulthandler
import tempfile
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

_dump = pytest.StashKey[FileIO]()
_folder = pytest.StashKey[tempfile.TemporaryDirectory[str]]()
_died = pytest.StashKey[bool]()
_FILE = "crash_dump"


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Have a process of xdist's write its dump to its file; after pytest's own ``faulthandler``."""
    path = getattr(config, "workerinput", {}).get(_FILE)
    if path is not None:
        config.stash[_dump] = file = FileIO(path, "w")
        faulthandler.enable(file)


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of the files."""
    if _dump in config.stash:
        faulthandler.disable()
        config.stash[_dump].close()
    if _folder in config.stash:
        config.stash[_folder].cleanup()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process where its file is."""
    stash = node.config.stash
    if _folder not in stash:
        stash[_folder] = tempfile.TemporaryDirectory(prefix="crashes-")
    node.workerinput[_FILE] = str(Path(stash[_folder].name) / node.gateway.id)


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(report: pytest.TestReport) -> None:
    """Say which test it was and show the dump, in the report too, which comes at the end."""
    node: Any = vars(report)["node"]
    file = Path(node.workerinput[_FILE])
    dump = file.read_text(errors="replace") if file.exists() else ""
    report.longrepr = f"{report.longrepr}\n{dump or 'It was killed: there is no dump.'}"
    terminal = node.config.pluginmanager.getplugin("terminalreporter")
    terminal.ensure_newline()
    terminal.write_line(report.longrepr, red=True)
    terminal.flush()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Note that a process died, in a test or between two."""
    if error:
        node.config.stash[_died] = True


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """End with another code than failed tests do: what the process had left was not run at all."""
    if _died in session.config.stash:
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
