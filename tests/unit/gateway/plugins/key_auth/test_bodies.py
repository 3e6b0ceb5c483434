# SPDX-License-Identifier: Apache-2.0
"""Taking keys out leaves all else as it was written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.plugins.key_auth.bodies import Bodies

NAMES = st.sampled_from(["apikey", "%61pikey", "a", "apikey2", "", "b%20"])
BODIES = Bodies(["apikey"])


@given(st.lists(st.tuples(NAMES, st.sampled_from(["", "=", "=1", "=%26"])), max_size=8))
def test_of_a_form_the_other_pairs_stay(pairs: list[tuple[str, str]]) -> None:
    written = [name + value for name, value in pairs]
    others = [
        text
        for text, (name, _) in zip(written, pairs, strict=True)
        if name not in ("apikey", "%61pikey")
    ]
    left = BODIES.without("&".join(written).encode(), b"application/x-www-form-urlencoded")
    assert left.decode() == "&".join(others)


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
MEMBERS = st.lists(st.tuples(st.sampled_from(["apikey", "a", "", '"', "ø"]), VALUES), max_size=6)


@given(MEMBERS, st.sampled_from([None, 2]))
def test_of_a_json_object_the_other_members_stay(
    members: list[tuple[str, object]], indent: int | None
) -> None:
    written = [f"{json.dumps(name)}: {json.dumps(value, indent=indent)}" for name, value in members]
    others = [text for text, (name, _) in zip(written, members, strict=True) if name != "apikey"]
    body = "{" + ",".join(written) + "}"
    left = BODIES.without(body.encode(), b"application/json")
    assert left.decode() == "{" + ",".join(others) + "}"


@given(st.lists(st.tuples(st.sampled_from([b"apikey", b"a"]), st.binary(max_size=9)), max_size=5))
def test_of_a_multipart_body_the_other_parts_stay(parts: list[tuple[bytes, bytes]]) -> None:
    def written(wanted: bool) -> bytes:
        texts = [
            b'--BB\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % part
            for part in parts
            if wanted or part[0] != b"apikey"
        ]
        return b"".join([*texts, b"--BB--\r\n"])

    left = BODIES.without(written(True), b"multipart/form-data; boundary=BB")
    assert left == written(False)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({str(number): number for number in range(10_000)}).encode(),
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
)
def test_json_without_the_name_is_not_looked_through(body: bytes) -> None:
    assert BODIES.without(body, b"application/json") == body


@pytest.mark.parametrize(
    "body",
    [
        b'{"apikey":"k"}',
        b'{"api\\u006bey":"k"}',
        b'{"\\u0061pikey":"k"}',
        '{"apikey":"k"}'.encode("utf-16"),
        '{"apikey":"k"}'.encode("utf-16-be"),
        '{"apikey":"k"}'.encode("utf-32-le"),
    ],
)
def test_the_name_is_found_however_it_is_written(body: bytes) -> None:
    (place,) = BODIES.places(body, b"application/json")
    assert place.keys == (b"k",)
