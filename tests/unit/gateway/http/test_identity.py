# SPDX-License-Identifier: Apache-2.0
"""Request ids tell nothing: neither the traffic nor each other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from itertools import pairwise

from gateway.http.identity import next_id

_MANY = 2000


def test_ids_are_32_lower_case_hex_characters_and_differ() -> None:
    ids = [next_id() for _ in range(_MANY)]
    assert len(set(ids)) == _MANY
    assert all(len(one) == 32 and set(one) <= set(b"0123456789abcdef") for one in ids)


def test_adjacent_ids_have_no_more_in_common_than_chance() -> None:
    ids = [int(next_id(), 16) for _ in range(_MANY)]
    differing = [(a ^ b).bit_count() for a, b in pairwise(ids)]
    # 128 fair coins: 64 on average; below 20 or over 108 once in 10**15.
    assert 20 < min(differing) <= max(differing) < 108
    assert 60 < sum(differing) / len(differing) < 68


def test_every_place_of_an_id_takes_every_value() -> None:
    ids = [next_id() for _ in range(_MANY)]
    for place in range(32):
        counts = Counter(one[place] for one in ids)
        assert len(counts) == 16
        assert max(counts.values()) < _MANY / 16 * 2


def test_the_order_of_ids_says_nothing_of_the_order_of_requests() -> None:
    ids = [next_id() for _ in range(_MANY)]
    rising = sum(a < b for a, b in pairwise(ids))
    assert _MANY * 0.4 < rising < _MANY * 0.6


def test_a_forked_process_has_ids_of_its_own() -> None:
    # One write each, so that the lines of the two do not mix.
    program = (
        "import os; from gateway.http.identity import next_id; next_id(); child = os.fork();"
        "os.write(1, b' '.join(next_id() for _ in range(50)) + b'\\n'); child and os.wait()"
    )
    told = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        timeout=60,
    ).stdout
    one, other = (set(line.split()) for line in told.splitlines())
    assert len(one) == len(other) == 50
    assert not one & other
