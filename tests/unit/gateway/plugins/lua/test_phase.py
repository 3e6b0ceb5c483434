# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.http.messages import Response
from gateway.plugins.lua.phase import NAMES, Calls, Phase
from gateway.plugins.lua.sandbox import LuaSandbox
from tests.support.requests import request_of


def calls(name: str = "access", response: Response | None = None) -> tuple[Calls, Phase]:
    made = Calls("pre-function")
    made.bridge = LuaSandbox(NAMES, made).bridge
    made.phase = Phase(name, request_of(b"/a?b=1"), response)
    return made, made.phase


def test_nothing_can_be_called_between_requests() -> None:
    made, _ = calls()
    made.phase = None
    with pytest.raises(ValueError, match="no request"):
        made(b"request.get_method")


@pytest.mark.parametrize(
    ("phase", "name", "arguments"),
    [
        ("log", b"service.request.set_header", (b"a", b"b")),
        ("log", b"response.exit", (200,)),
        ("header_filter", b"response.exit", (200,)),
        ("access", b"response.set_status", (200,)),
        ("access", b"response.set_raw_body", (b"x",)),
    ],
)
def test_a_function_of_another_phase_is_refused(
    phase: str, name: bytes, arguments: tuple[Any, ...]
) -> None:
    made, _ = calls(phase)
    with pytest.raises(ValueError, match="cannot be called in"):
        made(name, *arguments)


@settings(max_examples=50)
@given(
    st.sampled_from([name for name in NAMES if not name.startswith("log.")]),
    st.lists(st.none() | st.binary(max_size=8) | st.integers(0, 700) | st.booleans(), max_size=3),
)
def test_whatever_lua_calls_with_is_done_or_refused(name: str, arguments: list[Any]) -> None:
    made, phase = calls("header_filter", Response(200, []))
    early, begun = calls()
    for one, of in ((made, phase), (early, begun)):
        try:
            one(name.encode(), *arguments)
        except (ValueError, TypeError):
            continue
        for found, value in [*of.request.headers, *of.headers]:
            assert not set(b"\r\n") & set(found + value)
