# SPDX-License-Identifier: Apache-2.0
"""A worker that only talks: the release says how it responds, so that a test chooses the fault.

The release's table is JSON: ``refuse`` a text, ``die`` or ``hang`` while compiling (``only`` limits
it to the worker of that index). Run as a script it is the process; imported it spawns one.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import time
from typing import Any

LENGTHS = struct.Struct(">II")


def main() -> None:
    """Be the worker."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    index = int(sys.argv[2])
    reader = channel.makefile("rb")
    hash_next = hash_now = ""
    while len(lengths := reader.read(LENGTHS.size)) == LENGTHS.size:
        head, body = LENGTHS.unpack(lengths)
        kind, data = json.loads(reader.read(head))
        content = reader.read(body)
        response: dict[str, Any] = {"ok": True, "plugins": {"fake": "1.0"}}
        if kind == "prepare":
            response = judge(json.loads(content), index)
            hash_next = data["hash"]
        elif kind == "commit":
            hash_now = hash_next
        elif kind == "stats":
            response = {"counters": {"served": 1}, "gauges": {hash_now or "none": 1}}
        elif kind == "drain":
            return
        if "number" in data:
            name = "stats" if kind == "stats" else "reply"
            text = json.dumps([name, {**response, "number": data["number"]}]).encode()
            channel.sendall(LENGTHS.pack(len(text), 0) + text)


def judge(table: dict[str, Any], index: int) -> dict[str, Any]:
    """Do what the release says."""
    if table.get("only", index) != index:
        return {"ok": True}
    if table.get("die"):
        os.abort()
    if table.get("hang"):
        time.sleep(60)
    if "refuse" in table:
        return {"ok": False, "errors": [table["refuse"]]}
    return {"ok": True}


if __name__ == "__main__":
    main()
else:
    from gateway.data_plane.master.spawn import Spawned

    def spawn(index: int) -> Spawned:
        """Start one."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-S", __file__, str(theirs.fileno()), str(index)],
                pass_fds=[theirs.fileno()],
                stderr=subprocess.DEVNULL,
            )
        return Spawned(process, ours)
