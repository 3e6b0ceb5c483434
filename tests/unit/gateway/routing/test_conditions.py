# SPDX-License-Identifier: Apache-2.0
"""What a route demands, attribute by attribute, without a router."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing.conditions import (
    HostCondition,
    SniCondition,
    fits_wildcard,
    header_condition,
    name_tokens,
)


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        (b"*.b", b"a.b", True),
        (b"*.b", b".b", False),
        (b"*.b", b"b", False),
        (b"a.*", b"a.b", True),
        (b"a.*", b"a.", False),
    ],
)
def test_a_star_stands_for_at_least_one_character(pattern: bytes, name: bytes, fits: bool) -> None:
    assert fits_wildcard(pattern, name) == fits


@given(st.lists(st.sampled_from(["a", "bc", "d"]), min_size=1, max_size=4))
def test_each_token_of_a_name_is_the_name_or_a_wildcard_that_fits_it(labels: list[str]) -> None:
    name = ".".join(labels).encode()
    first, *wildcards = name_tokens(name, leftmost=True, rightmost=True)
    assert first == name
    assert len(wildcards) == 2 * (len(labels) - 1)
    assert all(fits_wildcard(token, name) for token in wildcards)


def test_a_host_with_a_port_fits_only_there() -> None:
    hosts = HostCondition(["A.b:81", "*.c"])
    assert hosts.ports
    assert hosts.matches(b"a.b", 81)
    assert not hosts.matches(b"a.b", 80)
    assert hosts.matches(b"x.c", 80)
    assert not hosts.matches(None, 80)


def test_a_server_name_may_end_in_a_dot_and_must_be_there() -> None:
    names = SniCondition(["A.test.", "*.b"])
    assert names.tokens == (b"a.test", b"*.b")
    assert names.matches(b"a.test")
    assert names.matches(b"x.b")
    assert not names.matches(None)


def test_a_header_fits_by_value_or_by_regex() -> None:
    plain, regex = header_condition("X_Tag", ["One"]), header_condition("x-tag", ["~*^t.o$"])
    assert plain.name == regex.name == b"x-tag"
    assert (plain.tokens, regex.tokens) == ((b"x-tag=one",), (b"x-tag",))
    assert plain.matches({b"x-tag": [b"two", b"one"]})
    assert not plain.matches({})
    assert regex.matches({b"x-tag": [b"two"]})
    assert not regex.matches({b"x-tag": [b"one"]})
