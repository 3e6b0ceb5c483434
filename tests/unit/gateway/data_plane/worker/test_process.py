# SPDX-License-Identifier: Apache-2.0
"""What is true of a whole worker process."""

from __future__ import annotations

import subprocess
import sys

_REQUESTS_UNDER_WAY = """
import gc
from gateway.data_plane.worker.process import collect_seldom

collect_seldom()
gc.collect()
before = gc.get_stats()
kept = [[("name", "value", number)] for number in range(512 * 16)]
assert gc.isenabled()
print(gc.get_stats() == before)
"""


def test_the_collector_leaves_as_many_objects_alone_as_512_requests_under_way_are() -> None:
    # A process of its own: what the collector is told is the same for all tests of this one.
    command = [sys.executable, "-c", _REQUESTS_UNDER_WAY]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "True"
