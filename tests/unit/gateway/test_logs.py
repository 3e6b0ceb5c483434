# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest

from gateway.logs import configure_logs, get_logger


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_the_fields_of_process_and_logger(
    stream: io.StringIO,
) -> None:
    configure_logs("info", stream, role="data_plane", worker=1)
    get_logger("gateway.x").bind(node="n").warning("it\nhappened", count=3, raw=b"\xff")
    (line,) = lines(stream)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warn",
        "logger": "gateway.x",
        "event": "it\nhappened",
        "node": "n",
        "count": 3,
        "raw": "�",
        "role": "data_plane",
        "worker": 1,
    }


def test_lines_of_other_libraries_have_the_same_form(stream: io.StringIO) -> None:
    configure_logs("info", stream)
    logging.getLogger("someone.else").error("failed %d times", 2)
    assert lines(stream)[0]["event"] == "failed 2 times"


def test_levels_below_the_setting_are_left_out(stream: io.StringIO) -> None:
    configure_logs("warn", stream)
    log = get_logger("gateway.x")
    log.debug("a")
    log.info("b")
    log.error("c")
    assert [line["event"] for line in lines(stream)] == ["c"]


def test_an_exception_comes_with_its_traceback(stream: io.StringIO) -> None:
    configure_logs("error", stream)
    try:
        raise ValueError("why")
    except ValueError as error:
        get_logger("gateway.x").exception("first")
        get_logger("gateway.x").error("second", exc_info=error)
    assert ["ValueError: why" in line["exception"] for line in lines(stream)] == [True, True]


def test_configuring_again_replaces(stream: io.StringIO) -> None:
    configure_logs("debug", io.StringIO())
    configure_logs("info", stream)
    get_logger("gateway.x").info("once")
    assert len(lines(stream)) == 1
