# SPDX-License-Identifier: Apache-2.0
"""Appending to a file that several workers write, and writing beside the event loop.

A full disk, a pipe that nobody reads or a network file system that hangs must stop no request.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import select
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, repeat
from typing import TypeVar

T = TypeVar("T")

_ATOMIC = 4096
"""Bytes that a pipe takes as a whole (pipe(7), PIPE_BUF)."""
_TOGETHER = 500
"""Lines of one write: with their ends they are as many pieces as a call takes (``IOV_MAX``)."""
_STANDARD = {"/dev/stdout": 1, "/dev/stderr": 2}
"""Taken as they are: a container's may belong to another user, or be a socket."""
_PATIENCE = 1.0
"""Seconds to wait for a pipe that is full."""


class LogFile:
    """A file, or a pipe, that lines are appended to; used by one thread at a time.

    Lines of several processes never mix: the kernel appends each write to a file as a whole, and
    writers of a pipe take turns. ``reopen``: the file is opened anew for each write, so that one
    which was moved away is written no more.
    """

    def __init__(self, path: str, *, reopen: bool) -> None:
        self._path = path
        self._reopen = reopen
        self._file: int | None = None
        self._pipe = False
        self._torn = False
        """The last line that was written has no end."""

    def __del__(self) -> None:
        # Not before: a thread may still be writing when its plugin is gone.
        self.close()

    def append(self, lines: list[bytes]) -> int:
        """Write lines; return how many were, from the first on. Raises ``OSError`` for none."""
        self._open()
        try:
            return self._write(lines)
        except OSError:
            self.close()
            raise
        finally:
            if self._reopen:
                self.close()

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                os.close(file)

    def _open(self) -> None:
        if self._file is not None:
            return
        standard = _STANDARD.get(self._path)
        if standard is not None:
            self._file = os.dup(standard)
        else:
            # Without waiting: opening a pipe would wait for its reader.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
            self._file = os.open(self._path, flags, 0o644)
        self._pipe = stat.S_ISFIFO(os.fstat(self._file).st_mode)

    def _write(self, lines: list[bytes]) -> int:
        file = self._file
        assert file is not None
        if self._pipe:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                return self._write_pieces(file, lines)
            finally:
                fcntl.flock(file, fcntl.LOCK_UN)
        done = 0
        while done < len(lines):
            some = lines[done : done + _TOGETHER]
            try:
                written = self._write_some(file, some)
            except OSError:
                if not done:
                    raise
                return done
            done += written
            if written < len(some):
                break
        return done

    def _write_some(self, file: int, lines: list[bytes]) -> int:
        """Append lines with one call, which does not copy them; return how many were written."""
        begin = [b"\n"] if self._torn else []
        parts = [*begin, *chain.from_iterable(zip(lines, repeat(b"\n")))]
        written = os.writev(file, parts) - len(begin)
        if written == sum(map(len, lines)) + len(lines):
            self._torn = False
            return len(lines)
        done = _whole(lines, written)
        self._torn = written != done + sum(map(len, lines[:done]))
        return done

    def _write_pieces(self, file: int, lines: list[bytes]) -> int:
        """Write to a pipe, which takes small pieces as a whole and refuses others when full."""
        done = 0
        if self._torn:
            self._torn = not _write_all(file, b"\n")
        for number, piece in _pieces(lines):
            written = _write_all(file, piece)
            if written < len(piece):
                self._torn = written > 0
                if not done:
                    raise BlockingIOError("the pipe is full and nobody reads it")
                return done
            done += number
        return done


def _whole(lines: list[bytes], written: int) -> int:
    """Return how many lines, each with its end, so many bytes are."""
    for number, line in enumerate(lines):
        written -= len(line) + 1
        if written < 0:
            return number
    return len(lines)


def _pieces(lines: list[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield lines joined to pieces that a pipe takes as a whole, where that can be."""
    number, piece = 0, b""
    for line in lines:
        if piece and len(piece) + len(line) >= _ATOMIC:
            yield number, piece
            number, piece = 0, b""
        number += 1
        piece += line + b"\n"
    yield number, piece


def _write_all(file: int, data: bytes) -> int:
    """Write to a pipe while it takes something; return how many bytes it took."""
    at = 0
    while at < len(data):
        try:
            at += os.write(file, data[at : at + _ATOMIC])
        except BlockingIOError:
            waiting = select.poll()
            waiting.register(file, select.POLLOUT)
            if not waiting.poll(_PATIENCE * 1000):
                return at
    return at


async def in_thread(function: Callable[[], T]) -> T:
    """Call a function in a thread of its own, which ends with the process where it hangs.

    The threads of an executor would have the process wait for them.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]  # a T where there is no error

    def run() -> None:
        result, problem = None, None
        try:
            result = function()
        except Exception as error:
            problem = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(settle, result, problem)

    threading.Thread(target=run, name="log-file", daemon=True).start()
    return await done
