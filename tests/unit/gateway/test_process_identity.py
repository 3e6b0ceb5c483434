# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import subprocess
import sys

from gateway.process_identity import boot_id, identify, stat_fields


def test_a_process_is_itself_as_long_as_it_lives() -> None:
    own = identify(os.getpid())
    assert own is not None
    assert own == identify(os.getpid())
    assert own.boot == boot_id() != ""


def test_one_that_has_ended_is_none_even_while_its_parent_has_not_looked() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert child.stdout is not None
    # It has closed its output by ending; until it is waited for it is a zombie.
    child.stdout.read()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert stat_fields(child.pid) is not None
    assert identify(child.pid) is None
    child.wait()
    child.stdout.close()
    assert stat_fields(child.pid) is None
    assert identify(child.pid) is None
