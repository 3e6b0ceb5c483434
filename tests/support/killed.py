# SPDX-License-Identifier: Apache-2.0
"""Processes that write a control plane's database until they are killed, whole ones too."""

from __future__ import annotations

import multiprocessing
import os
import random
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from gateway.control_plane.keyring import Keyring
from gateway.control_plane.server import run_control_plane
from gateway.control_plane.store import NextRelease, Release
from gateway.entities.checks import Table
from gateway.settings.settings import Settings
from tests.support.postgres import KEY
from tests.support.storage import Storage
from tests.support.waiting import PATIENCE

KEYS = Keyring([KEY])
ROWS = 150

ROUNDS = int(os.environ.get("KILL_ROUNDS", 3))
"""How often a control plane is killed in a test."""
SEED = int(os.environ.get("KILL_SEED", random.randrange(10**9)))
"""What the moments are drawn from; a failure names it."""

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(
    [
        "tests.support.killed",
        "alembic.runtime.environment",
        "alembic.script",
        "gateway.control_plane.database.postgres",
    ]
)


def content(number: int) -> Table:
    """Return what release ``number`` holds: each third is written anew, others change a row."""
    start = number - number % 3
    rows = [
        {"id": f"{place:04}", "username": f"{start}", "custom_id": "x" * 50}
        for place in range(ROWS - start % 7)
    ]
    for later in range(start + 1, number + 1):
        rows[later % len(rows)] = {**rows[later % len(rows)], "username": f"{later}"}
    return {"consumers": rows}


def following(previous: Release | None) -> NextRelease:
    """Build the next release."""
    number = 1 if previous is None else previous.number + 1
    return NextRelease(f"{number:032}", "someone", str(number), content(number))


def write(storage: Storage, confirmed: Connection) -> None:
    """Write releases, and what else is kept, and tell of each release when it is written."""
    store = storage.unopened(keyring=KEYS)
    confirmed.send(0)
    while True:
        release = store.append(following)
        assert release is not None
        confirmed.send(release.number)
        store.keep_note("left out", {"release": release.number, "text": "y" * 300})
        store.save_data_planes([{"id": "node", "last_seen": release.number}], 0)


def serve(
    values: dict[str, str],
    more: dict[str, str],
    log: Path,
    storage: Storage,
    begun: Connection,
) -> None:
    """Run a whole control plane, which logs to a file; ``more`` counts before the storage's."""
    with log.open("ab") as file:
        os.dup2(file.fileno(), 2)
    begun.send(0)
    run_control_plane(Settings.from_values({**values, **storage.settings(), **more}))


class Victim:
    """A process that runs one of these functions."""

    def __init__(self, work: Callable[[Storage, Connection], None], storage: Storage) -> None:
        self._received, sent = _SERVER.Pipe(duplex=False)
        self._process = _SERVER.Process(target=work, args=(storage.alone(), sent), daemon=True)
        self._process.start()
        sent.close()
        self.last: Any = self._received.recv()

    def kill(self, after: float) -> int:
        """Kill it with SIGKILL after so many seconds; return what it told last."""
        self._process.join(after)
        self._process.kill()
        self._process.join(PATIENCE)
        try:
            while self._received.poll():
                self.last = self._received.recv()
        except EOFError:
            pass
        self._received.close()
        return int(self.last)
