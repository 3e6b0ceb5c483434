# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gateway.data_plane.worker import access_log as module
from gateway.data_plane.worker.access_log import AccessLog
from gateway.errors import SettingsError
from gateway.http.messages import Response
from tests.support.http import run
from tests.support.requests import request_of
from tests.support.waiting import eventually


def test_a_request_is_one_line_without_its_query(tmp_path: Path) -> None:
    file = tmp_path / "access.log"

    async def main() -> None:
        log = AccessLog(str(file))
        request = request_of(b"/a?apikey=planted", method=b"POST")
        request.consumer = {"username": "alice"}
        log.add(request, Response(201, []), 77)
        log.close()

    run(main())
    (line,) = [json.loads(text) for text in file.read_text().splitlines()]
    assert (line["method"], line["path"], line["status"], line["bytes"]) == ("POST", "/a", 201, 77)
    assert (line["client"], line["consumer"]) == ("127.0.0.1", "alice")
    assert len(line["request_id"]) == 32
    assert "planted" not in file.read_text()


async def test_lines_are_written_soon_without_being_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_EVERY", 0.01)
    file = tmp_path / "access.log"

    import asyncio

    log = AccessLog(str(file))
    log.add(request_of(), Response(200, []), 1)
    await asyncio.to_thread(eventually, lambda: file.read_text().endswith("\n"))
    log.close()


async def test_a_pipe_that_is_not_read_drops_lines_and_stops_nothing(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    log = AccessLog(str(pipe))
    request, response = request_of(b"/" + b"x" * 1000), Response(200, [])
    for _ in range(80 * module._MOST):
        log.add(request, response, 1)
    assert log.dropped > 0
    os.close(reader)


def test_a_file_that_cannot_be_opened_is_named() -> None:
    with pytest.raises(SettingsError, match=r"KONG_PROXY_ACCESS_LOG: cannot open /no/such"):
        AccessLog("/no/such/log")


def test_lines_are_put_together_as_far_as_a_pipe_takes_them_whole() -> None:
    pieces = module._pieces([b"a" * 3000, b"b" * 500, b"c" * 3000])
    assert [len(piece) for piece in pieces] == [3502, 3001]
