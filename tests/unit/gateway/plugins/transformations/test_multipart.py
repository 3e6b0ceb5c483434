# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import BodyUnreadable, RequestRejected
from gateway.plugins.request_transformer.schema import Config
from gateway.plugins.transformations.arguments import changes_of
from gateway.plugins.transformations.multipart import Parts, change_parts
from gateway.plugins.transformations.templates import Rendering, Templates
from tests.support.requests import request_of

TYPE = b"multipart/form-data; boundary=xx"


def part(name: str, value: str) -> bytes:
    head = f'--xx\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return f"{head}{value}\r\n".encode()


FORM = part("a", "1") + part("b", "2") + b"--xx--\r\n"


def changed(body: bytes, **config: Any) -> bytes:
    templates = Templates(allowed=True)
    parts = {name: {"body": entries} for name, entries in config.items()}
    made = changes_of(Config.model_validate(parts), "body", templates)
    assert made is not None
    return change_parts(body, TYPE, made, Rendering(templates, request_of()))


@pytest.mark.parametrize(
    ("config", "parts"),
    [
        ({"remove": ["a"]}, [("b", "2")]),
        ({"rename": ["a:c"]}, [("b", "2"), ("c", "1")]),
        ({"rename": ["a:b"]}, [("b", "1")]),
        ({"rename": ["a:c"], "remove": ["c"]}, [("b", "2")]),
        ({"replace": ["a:9", "z:9"]}, [("b", "2"), ("a", "9")]),
        ({"add": ["a:9", "c:3"]}, [("a", "1"), ("b", "2"), ("c", "3")]),
        ({"append": ["a:9"]}, [("a", "1"), ("b", "2")]),
        # A name that is given twice is changed twice, in order.
        ({"rename": ["a:c", "a:d"]}, [("b", "2"), ("c", "1")]),
        ({"replace": ["a:8", "a:9"]}, [("b", "2"), ("a", "9")]),
        ({"add": ["c:3", "c:4"]}, [("a", "1"), ("b", "2"), ("c", "3")]),
    ],
)
def test_changes(config: dict[str, Any], parts: list[tuple[str, str]]) -> None:
    expected = b"".join(part(*one) for one in parts) + b"--xx--\r\n"
    assert changed(FORM, **config) == expected


def test_what_is_not_changed_stays_byte_by_byte() -> None:
    assert Parts(FORM, TYPE).encode() == FORM


@pytest.mark.parametrize("body", [b"", b"x", b"--xx\r\n", b"--yy--\r\n"])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(BodyUnreadable):
        Parts(body, TYPE)


def test_too_many_parts_are_refused() -> None:
    with pytest.raises(RequestRejected):
        Parts(part("a", "1") * 1002 + b"--xx--\r\n", TYPE)
