# SPDX-License-Identifier: Apache-2.0
"""The very start of a node: read the settings, spawn the workers, and only then load the master.

The order is for the second in which a node must serve again: the workers import for 0.6 s, which
the master's own imports would otherwise come before. So this module imports next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.data_plane.capacity import processors
from gateway.data_plane.master.spawn import spawn_worker
from gateway.settings.settings import Settings


def run_data_plane(read_values: Callable[[], Mapping[str, str]]) -> None:
    """Run a node until SIGTERM or SIGINT. Raises ``SettingsError`` when it cannot start.

    ``read_values`` reads the raw settings; it is called again on SIGHUP.
    """
    values = dict(read_values())
    settings = Settings.from_values(values)
    count = settings.nginx_worker_processes or processors()
    spawned = [spawn_worker(index) for index in range(count)]
    try:
        # Imported here: see above.
        from gateway.data_plane.master.master import run_master

        run_master(read_values, values, spawned)
    finally:
        for worker in spawned:
            # Those that still run read the end of their channel, drain and end.
            worker.end.close()
            if worker.store is not None:
                worker.store.close()
