# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

from gateway.data_plane.master.spawn import spawn_worker
from tests.support.processes import command_of
from tests.support.waiting import eventually


def test_a_worker_starts_with_numbers_alone_and_ends_with_its_master() -> None:
    spawned = spawn_worker(3)
    try:
        arguments = eventually(
            lambda: command_of(spawned.process.pid).partition("gateway.data_plane.worker ")[2]
        )
        assert all(word.isdigit() for word in arguments.split())
        assert arguments.split()[-1] == "3"
    finally:
        spawned.end.close()
        assert spawned.store is not None
        spawned.store.close()
        assert spawned.process.wait(timeout=30) == 0
        os.close(spawned.trace)
