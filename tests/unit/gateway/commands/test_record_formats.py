# SPDX-License-Identifier: Apache-2.0
"""Records as lines: exact where a program reads them, harmless where a terminal does."""

from __future__ import annotations

import base64
import json
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.commands.record_formats import Output, as_json, formatter, heading, shown
from gateway.kafka.admin import Record


def record(
    value: bytes | None = b"v",
    key: bytes | None = None,
    headers: list[tuple[str, bytes | None]] | None = None,
) -> Record:
    return Record("t", 0, 7, 1_700_000_000_123, key, value, headers or [])


def test_raw_bytes_are_those_that_were_written() -> None:
    line = formatter(Output.RAW, key=False, headers=False, width=None)
    assert line(record(b"\xff\x1b[31m\n")) == b"\xff\x1b[31m\n"
    assert line(record(None)) == b""


def test_headers_and_keys_come_first_as_in_kafka_s_own_console_consumer() -> None:
    line = formatter(Output.RAW, key=True, headers=True, width=None)
    given = record(b"v", b"k", [("a", b"1"), ("b", None)])
    assert line(given) == b"a:1,b:null\tk\tv"
    assert line(record()) == b"NO_HEADERS\tnull\tv"


@given(st.binary() | st.text().map(str.encode))
@example(b"\x1b]0;title\x07")
@example("\u202eevil\u202c".encode())
@example(b"\xc2\x9b31m")
def test_nothing_of_a_record_steers_a_terminal(value: bytes) -> None:
    written = record(value, value, [("h", value)])
    for output in Output:
        line = formatter(output, key=True, headers=True, width=10_000)(written).decode()
        bad = [sign for sign in line if unicodedata.category(sign) == "Cc" and sign != "\t"]
        assert not bad
        assert not set(line) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@given(st.none() | st.binary() | st.text().map(str.encode))
def test_a_program_gets_every_byte_back_from_json(value: bytes | None) -> None:
    for line in (as_json, formatter(Output.JSON, key=False, headers=False, width=80)):
        found = json.loads(line(record(value, value, [("h", value)])))
        for name in ("value", "key"):
            text, coded = found[name], found.get(f"{name}_base64")
            back = base64.b64decode(coded) if coded is not None else text
            assert (back.encode() if isinstance(back, str) else back) == value
        ((_, header),) = found["headers"]
        back = base64.b64decode(header["base64"]) if isinstance(header, dict) else header
        assert (back.encode() if isinstance(back, str) else back) == value


@pytest.mark.parametrize("width", [20, 60, 200])
def test_a_row_is_no_wider_than_the_terminal(width: int) -> None:
    line = formatter(Output.TABLE, key=True, headers=True, width=width)
    row = line(record(b"v" * 300, b"k" * 100)).decode()
    assert len(row) <= width
    assert row.startswith("0    7")


def test_columns_stand_under_their_names() -> None:
    line = formatter(Output.TABLE, key=True, headers=False, width=None)
    row, names = line(record(b"value", b"key")).decode(), heading(key=True, headers=False)
    for name, cell in (("OFFSET", "7"), ("TIME", "22:13:20.123"), ("KEY", "key"), ("VALUE", "v")):
        assert row[names.index(name) :].startswith(cell)


def test_what_is_no_text_is_told_by_escapes() -> None:
    assert shown(b"a\xffb\n") == "a\\xffb\\n"


@given(st.integers(-(2**63), 2**63 - 1))
@example(2**63 - 1)
@example(253_402_300_800_000)
def test_a_record_with_a_time_that_no_calendar_has_is_a_row_as_well(at: int) -> None:
    line = formatter(Output.TABLE, key=False, headers=False, width=None)
    assert line(replace(record(), timestamp=at)).endswith(b"v")
