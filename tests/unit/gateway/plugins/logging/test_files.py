# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gateway.plugins.logging import files
from gateway.plugins.logging.files import LogFile, in_thread
from tests.support.waiting import PATIENCE


def test_lines_are_appended(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"before\n")
    assert LogFile(str(path), reopen=False).append([b"1", b"2"]) == 2
    assert path.read_bytes() == b"before\n1\n2\n"


def test_a_file_that_was_moved_away_is_followed_unless_it_is_reopened(tmp_path: Path) -> None:
    for reopen, moved, new in ((False, b"1\n2\n", None), (True, b"1\n", b"2\n")):
        path, old = tmp_path / f"log-{reopen}", tmp_path / f"old-{reopen}"
        file = LogFile(str(path), reopen=reopen)
        file.append([b"1"])
        path.rename(old)
        file.append([b"2"])
        assert old.read_bytes() == moved
        assert (path.read_bytes() if path.exists() else None) == new


def test_a_folder_that_is_not_there_is_an_error_until_it_is(tmp_path: Path) -> None:
    file = LogFile(str(tmp_path / "a" / "log"), reopen=False)
    with pytest.raises(FileNotFoundError):
        file.append([b"1"])
    (tmp_path / "a").mkdir()
    assert file.append([b"1"]) == 1


@pytest.mark.parametrize("room", range(1, 11))
def test_a_line_that_a_full_disk_has_cut_is_ended_and_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    path = tmp_path / "log"
    file = LogFile(str(path), reopen=False)
    lines = [b"1111", b"2222"]
    real = os.writev
    monkeypatch.setattr(os, "writev", lambda fd, parts: real(fd, [b"".join(parts)[:room]]))
    done = file.append(lines)
    assert done == room // 5
    monkeypatch.setattr(os, "writev", real)
    assert file.append([*lines[done:], b"3333"]) == 3 - done
    cut = b"1111\n2222\n"[:room]
    end = b"" if cut.endswith(b"\n") else b"\n"
    assert path.read_bytes() == cut + end + b"".join(
        b"%b\n" % one for one in [*lines[done:], b"3333"]
    )


def test_more_lines_than_go_with_one_call_are_written_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    file = LogFile(str(path), reopen=False)
    lines = [b"%d" % number for number in range(1234)]
    assert file.append(lines) == 1234
    assert path.read_bytes().splitlines() == lines
    calls: list[int] = []
    real = os.writev

    def fills(fd: int, parts: list[bytes]) -> int:
        calls.append(fd)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, parts)

    monkeypatch.setattr(os, "writev", fills)
    done = file.append(lines)
    assert 0 < done < 1234, "what was written is not written again"
    assert path.read_bytes().splitlines()[1234:] == lines[:done]


def test_a_full_disk_is_an_error() -> None:
    with pytest.raises(OSError, match="No space") as caught:
        LogFile("/dev/full", reopen=False).append([b"1"])
    assert caught.value.errno == errno.ENOSPC


def test_a_pipe_is_written_while_somebody_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_PATIENCE", 0.05)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    file = LogFile(str(path), reopen=False)
    with pytest.raises(OSError, match="No such device"):
        file.append([b"1"])
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    line = b"x" * 100
    done = file.append([line] * 2000)
    assert 0 < done < 2000
    with pytest.raises(BlockingIOError):
        file.append([line])
    data = os.read(reader, 1 << 20)
    assert file.append([line] * 3) == 3
    data += os.read(reader, 1 << 20)
    whole = [one for one in data.split(b"\n") if len(one) == 100]
    assert len(whole) == done + 3
    os.close(reader)


_WRITER = """
import sys
from gateway.plugins.logging.files import LogFile
file = LogFile(sys.argv[1], reopen=sys.argv[3] == "1")
for number in range(200):
    lines = [sys.argv[2].encode() * (100 + 97 * number % 9000)] * 3
    while lines:
        try:
            lines = lines[file.append(lines):]
        except OSError:
            pass
"""


def test_standard_output_is_written_whatever_it_is() -> None:
    code = "from gateway.plugins.logging.files import LogFile as F; F('/dev/stdout', reopen=True)"
    for kind in (subprocess.PIPE, None):
        one, other = socket.socketpair()
        with one, other:
            done = subprocess.run(
                [sys.executable, "-c", f"{code}.append([b'1', b'2'])"],
                stdout=kind or other.fileno(),
                check=True,
            )
            assert (done.stdout if kind else one.recv(100)) == b"1\n2\n"


class _Pipe:
    """Reads a pipe in a thread, until ``end``."""

    def __init__(self, path: Path) -> None:
        self._reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._writer = os.open(path, os.O_WRONLY)
        os.set_blocking(self._reader, True)
        self._found: list[bytes] = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def end(self) -> bytes:
        os.close(self._writer)
        self._thread.join(PATIENCE)
        os.close(self._reader)
        return b"".join(self._found)

    def _read(self) -> None:
        while data := os.read(self._reader, 65536):
            self._found.append(data)


@pytest.mark.parametrize(("kind", "reopen"), [("file", "0"), ("file", "1"), ("pipe", "0")])
def test_lines_of_several_processes_never_mix(tmp_path: Path, kind: str, reopen: str) -> None:
    path = tmp_path / kind
    if kind == "pipe":
        os.mkfifo(path)
    read = _Pipe(path) if kind == "pipe" else None
    command = [sys.executable, "-c", _WRITER, str(path)]
    writers = [subprocess.Popen([*command, letter, reopen]) for letter in "ab"]
    try:
        assert [writer.wait(PATIENCE) for writer in writers] == [0, 0]
    finally:
        for writer in writers:
            writer.kill()
    data = path.read_bytes() if read is None else read.end()
    lines = data.splitlines()
    assert len(lines) == 2 * 200 * 3
    assert all(set(line) in ({97}, {98}) for line in lines)


async def test_what_a_thread_does_is_awaited() -> None:
    assert await in_thread(threading.current_thread) is not threading.main_thread()

    def fail() -> None:
        raise FileNotFoundError("no")

    with pytest.raises(FileNotFoundError):
        await in_thread(fail)
