# SPDX-License-Identifier: Apache-2.0
"""The very start of a node: read the settings, fork the workers, and only then load the master.

The workers' modules are loaded once, before the forks, and most of them are the master's too. So
this module imports next to nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.data_plane.capacity import processors
from gateway.data_plane.master.spawn import fork_workers
from gateway.settings.settings import Settings


def run_data_plane(read_values: Callable[[], Mapping[str, str]]) -> None:
    """Run a node until SIGTERM or SIGINT. Raises ``SettingsError`` when it cannot start.

    ``read_values`` reads the raw settings; it is called again on SIGHUP.
    """
    values = dict(read_values())
    settings = Settings.from_values(values)
    count = settings.nginx_worker_processes or processors()
    spawned = fork_workers(count)
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
