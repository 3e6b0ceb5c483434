# SPDX-License-Identifier: Apache-2.0
"""The kernel's view of processes, sessions and listening ports, read from /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from gateway.process_identity import (
    DEAD,
    PROC,
    SESSION,
    STATE,
    ProcessIdentity,
    boot_id,
    identify,
    stat_fields,
)

_LISTENING = "0A"
_VANISHING, _GLANCE = 1.0, 0.02
"""Seconds that a socket without a process is looked at, and between two looks."""


def is_alive(identity: ProcessIdentity) -> bool:
    """Whether exactly this process still runs."""
    _reap(identity.pid)
    return identify(identity.pid) == identity


def session_members(identity: ProcessIdentity, marker: str) -> list[int]:
    """Live pids of the session led by ``identity``, also after the leader has died.

    A number whose leader is gone may lead another session by now, so without the leader only
    processes with ``marker`` (``NAME=value``) in their environment count.
    """
    if identity.boot != boot_id():
        return []
    leader_lives = is_alive(identity)
    if not leader_lives and identify(identity.pid) is not None:
        return []
    return [
        pid
        for pid, fields in _all_stats()
        if int(fields[SESSION]) == identity.pid
        and fields[STATE] not in DEAD
        and (leader_lives or has_marker(pid, marker))
    ]


def has_marker(pid: int, marker: str) -> bool:
    """Whether ``NAME=value`` stands in the environment that ``pid`` was started with.

    One that is just being replaced by another program has none for a moment, and counts.
    """
    try:
        environment = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False
    return not environment or marker.encode() in environment.split(b"\0")


def session_of(pid: int) -> int | None:
    """The session that ``pid`` belongs to, by its leader's pid."""
    fields = stat_fields(pid)
    return int(fields[SESSION]) if fields is not None else None


def command_of(pid: int) -> str:
    """The program that ``pid`` runs, without its arguments: those may hold secrets."""
    try:
        arguments = (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return os.path.basename(arguments[0].decode(errors="replace"))


def listeners(port: int) -> list[int | None]:
    """Pids that listen on TCP ``port`` at any address; None for one that we may not see.

    The sockets of a process that was just killed are listed a moment longer than their process:
    a socket without one is looked at again before it counts as another user's.
    """
    until = time.monotonic() + _VANISHING
    while inodes := _listening_inodes(port):
        wanted = {f"socket:[{inode}]" for inode in inodes}
        pids = [pid for pid, _ in _all_stats() if _holds(pid, wanted)]
        if pids:
            return [*pids]
        if time.monotonic() > until:
            return [None]
        time.sleep(_GLANCE)
    return []


def _listening_inodes(port: int) -> set[str]:
    inodes: set[str] = set()
    for table in ("net/tcp", "net/tcp6"):
        try:
            lines = (PROC / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            local = int(columns[1].rpartition(":")[2], 16)
            if local == port and columns[3] == _LISTENING:
                inodes.add(columns[9])
    return inodes


def _holds(pid: int, links: set[str]) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        return any(_link(f"{folder}/{entry}") in links for entry in os.listdir(folder))
    except OSError:
        return False


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _all_stats() -> Iterator[tuple[int, list[str]]]:
    for entry in os.listdir(PROC):
        if entry.isdigit():
            fields = stat_fields(int(entry))
            if fields is not None:
                yield int(entry), fields


def _reap(pid: int) -> None:
    # A child of this plugin; init reaps any other.
    try:
        os.waitpid(pid, os.WNOHANG)
    except (ChildProcessError, OSError):
        return
