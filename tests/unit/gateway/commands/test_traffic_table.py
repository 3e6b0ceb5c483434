# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.commands.traffic_table import Moment, Row, as_json, in_order, plain

ROWS = (
    Row("b", 5.0, 0.0, 1.0, 0.0, 3.0, 9.0),
    Row("a", 1.0, 2.0, 0.0, 0.0, None, None),
    Row("c", 5.0, 1.0, 0.0, 0.0, 1.0, 30.0),
)
MOMENT = Moment(1.0, "0.1.0", "abcdef0123", 2, 1, 7, 1000, ROWS, ())


@pytest.mark.parametrize(
    ("by", "names"),
    [("requests", "bca"), ("failures", "acb"), ("p99", "cba"), ("name", "abc")],
)
def test_rows_stand_in_the_order_asked_for(by: str, names: str) -> None:
    assert "".join(row.name for row in in_order(ROWS, by)) == names
    assert "".join(row["name"] for row in as_json(MOMENT, by)["routes"]) == names


def test_the_head_says_what_serves_and_how_full_it_is() -> None:
    first = plain(MOMENT, "requests").splitlines()[0]
    assert "configuration abcdef01" in first
    assert "workers 1/2" in first
    assert "buffer 7/1,000" in first


def test_nothing_in_a_name_steers_a_terminal() -> None:
    hostile = replace(MOMENT, routes=(Row("\x1b[31mred\n", 1.0, 0.0, 0.0, 0.0, None, None),))
    assert "\\x1b[31mred\\n" in plain(hostile, "requests")


def test_a_long_name_leaves_the_figures_in_their_columns() -> None:
    long = replace(MOMENT, routes=(replace(ROWS[0], name="n" * 300),))
    (row,) = [line for line in plain(long, "requests").splitlines() if line.startswith("nnn")]
    assert row.split()[-1] == "9.0"
    assert len(row) <= 120
