# SPDX-License-Identifier: Apache-2.0
"""Keys are those of Kong 3.10, computed with the same text."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plugins.proxy_cache.key import KeyMaker
from tests.support.caching import CONSUMER, ROUTE
from tests.support.requests import request_of


def key(
    target: bytes = b"/get",
    params: list[str] | None = None,
    consumer: str | None = None,
    route: bool = True,
    ignore_case: bool = False,
    **more: Any,
) -> str:
    request = request_of(target, **more)
    if route:
        request.match = SimpleNamespace(route={"id": ROUTE}, upstream_path=b"")
    if consumer:
        request.consumer = {"id": consumer}
    return KeyMaker(params, None, ignore_case=ignore_case).key(request)


def test_the_key_of_a_request_without_and_with_a_consumer() -> None:
    assert key() == "1d7e8667a59fad030f140bebba5026121fe16fcb0038a148d4f14489cc0ebf5e"
    assert (
        key(consumer=CONSUMER) == "c5f7f5b693d5814636bf5668c3bac167892bfa1df941c475a92d30f38c9e9c04"
    )


def test_the_key_of_named_arguments_and_headers() -> None:
    request = request_of(b"/get?a=2&a=1", headers=[(b"accept", b"text/plain")])
    request.match = SimpleNamespace(route={"id": ROUTE}, upstream_path=b"")
    found = KeyMaker(["a"], ["accept"], ignore_case=False).key(request)
    assert found == "5ad8ad1e8965f567bbe287782fd521f3dab3fd61a9dae9d03607d4946516a0b7"


def test_versions_of_http_share_a_key() -> None:
    assert key(version="1.0") == key(version="1.1")


def test_methods_paths_and_routes_have_keys_of_their_own() -> None:
    different = [key(), key(method=b"HEAD"), key(b"/Get"), key(b"/get?"), key(route=False)]
    assert len(set(different)) == len(different)
    assert key(b"/GET", ignore_case=True) == key(b"/get", ignore_case=True)


@pytest.mark.parametrize(
    ("query", "named", "part"),
    [
        (b"a=1&b=2", None, "a=1:b=2"),
        (b"b=2&a=1", None, "a=1:b=2"),
        (b"a=2&a=1", None, "a=1,2"),
        (b"a", None, "a"),
        (b"a=", None, "a="),
        (b"a=1&b=2", ["b", "a"], "b=2:a=1"),
        (b"a=1&b=2", ["b", "c"], "b=2"),
        (b"a=%41", None, "a=A"),
        (b"", None, ""),
        (None, None, ""),
    ],
)
def test_the_part_of_the_arguments(query: bytes | None, named: list[str] | None, part: str) -> None:
    assert KeyMaker(named, None, ignore_case=False).params(query) == part


@settings(max_examples=50)
@given(st.binary(max_size=60), st.binary(max_size=20))
def test_any_request_has_a_key_and_a_variant(query: bytes, value: bytes) -> None:
    request = request_of(b"/a?" + query, headers=[(b"x", value)])
    assert len(KeyMaker(None, ["x"], ignore_case=True).key(request)) == 64
    assert len(KeyMaker(None, None, ignore_case=False).variant(request, ["x", "y"])) == 64


def test_an_absent_header_is_another_variant_than_an_empty_one() -> None:
    without, empty = request_of(), request_of(headers=[(b"x", b"")])
    variant = KeyMaker(None, None, ignore_case=False).variant
    assert variant(without, ["x"]) != variant(empty, ["x"])
    assert variant(without, []) == variant(empty, [])


@pytest.mark.parametrize(
    ("named", "one", "other", "same"),
    [
        (["a"], b"/x?a=1&b=1", b"/x?b=2&a=1", True),
        (["a"], b"/x?a=1", b"/x?%61=1", False),
        (None, b"/x?a=1&b=1", b"/x?b=1&a=1", True),
        (None, b"/x?a=1&b=1", b"/x?a=1:b=1", False),
        (None, b"/x?a=1&a=2", b"/x?a=2&a=1", False),
        (None, b"/x?a", b"/x?a=", False),
    ],
)
def test_arguments_in_another_order_are_no_variant_and_other_arguments_are(
    named: list[str] | None, one: bytes, other: bytes, same: bool
) -> None:
    maker = KeyMaker(named, None, ignore_case=False)
    variants = [maker.variant(request_of(target), []) for target in (one, other)]
    assert (variants[0] == variants[1]) is same


def test_paths_in_another_case_are_no_variant_where_case_is_ignored() -> None:
    found = []
    for path in (b"/X", b"/x"):
        request = request_of(path)
        request.match = SimpleNamespace(route={"id": ROUTE}, upstream_path=path)
        found.append(
            [KeyMaker(None, None, ignore_case=one).variant(request, []) for one in (True, False)]
        )
    (ignoring, minding), (ignoring_again, minding_again) = found
    assert ignoring == ignoring_again
    assert minding != minding_again
