# SPDX-License-Identifier: Apache-2.0
"""A client's word never passes for the gateway's, and does not take the gateway's away."""

from __future__ import annotations

from gateway.http.headers import IDENTITY, spellings, without_port


def test_a_name_is_spelled_with_hyphens_and_underscores() -> None:
    assert set(spellings(b"a_b-c")) == {b"a-b-c", b"a_b-c", b"a-b_c", b"a_b_c"}
    assert {b"x-consumer-id", b"x_consumer-id", b"x_consumer_id"} <= IDENTITY


def test_the_port_of_a_host_is_left_out_but_no_part_of_an_address() -> None:
    hosts = [b"a.test", b"a.test:80", b"[::1]", b"[::1]:80", b"", b"["]
    assert [without_port(host) for host in hosts] == [
        *(b"a.test", b"a.test", b"[::1]", b"[::1]", b"", b"[]")
    ]
