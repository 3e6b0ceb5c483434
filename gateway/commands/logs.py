# SPDX-License-Identifier: Apache-2.0
"""``kafka-gateway logs``: what the processes of the stack `local` write."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from gateway.commands.local_processes import STATE, local_processes
from gateway.names.spelling import choices

_POLL_SECONDS = 0.2
_BLOCK = 1 << 16


def command(
    process: Annotated[
        str | None, typer.Argument(help="kafka, control-plane or data-plane; all when left out.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Wait for more, until interrupted.")
    ] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="How many of the last lines of each.")
    ] = 20,
) -> None:
    """Print the last lines of the local stack's logs, with the process's name before each."""
    logs = {found.name: found.log for found in local_processes(STATE)}
    if not logs:
        typer.echo("error: the stack local has no processes here; run `make up`", err=True)
        raise typer.Exit(1)
    if process is not None and process not in logs:
        typer.echo(f"error: no process {process!r}; {choices(process, logs)}", err=True)
        raise typer.Exit(1)
    chosen = {name: logs[name] for name in logs if process in (None, name)}
    tails = [LogTail(name if process is None else "", path) for name, path in chosen.items()]
    try:
        for tail in tails:
            _write(tail.last(lines))
        while follow:
            time.sleep(_POLL_SECONDS)
            for tail in tails:
                _write(tail.more())
    except (KeyboardInterrupt, BrokenPipeError):
        return
    finally:
        for tail in tails:
            tail.close()


class LogTail:
    """The end of a log that grows, and that begins anew in another file at each start."""

    def __init__(self, name: str, path: Path) -> None:
        """``name`` stands before each line; an empty one does not."""
        self._prefix = f"{name} | ".encode() if name else b""
        self._path = path
        self._file: BinaryIO | None = None
        self._rest = b""

    def last(self, count: int) -> Iterator[bytes]:
        """Yield the last ``count`` whole lines; what follows is for ``more``."""
        yield from deque(self._new_lines(), maxlen=count)

    def more(self) -> Iterator[bytes]:
        """Yield the lines that came since, also after the process was started again."""
        yield from self._new_lines()
        if self._has_been_rotated():
            self.close()
            yield from self._new_lines()

    def _new_lines(self) -> Iterator[bytes]:
        if self._file is None:
            try:
                self._file = self._path.open("rb")
            except OSError:
                return
        while block := self._file.read(_BLOCK):
            *whole, self._rest = (self._rest + block).split(b"\n")
            for line in whole:
                yield self._prefix + line + b"\n"

    def _has_been_rotated(self) -> bool:
        if self._file is None:
            return False
        try:
            return not self._path.samefile(f"/proc/self/fd/{self._file.fileno()}")
        except OSError:
            return False

    def close(self) -> None:
        """Close the file; ``more`` would begin with it anew."""
        if self._file is not None:
            self._file.close()
        self._file, self._rest = None, b""


def _write(lines: Iterator[bytes]) -> None:
    for line in lines:
        sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
