# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import dataclass, fields

from gateway.settings.declaration import setting
from gateway.settings.parsers import count


@dataclass(frozen=True)
class Declared:
    number: int = setting(count(1, 9), "7", own=True)
    word: str = setting(str, "planted", secret=True)


def test_a_field_has_its_parser_and_the_default_that_this_makes_of_the_text() -> None:
    assert Declared().number == 7
    number, word = fields(Declared)
    assert number.metadata["parse"]("8") == 8
    assert (number.metadata["own"], word.metadata["own"]) == (True, False)


def test_a_secret_is_not_shown() -> None:
    assert "planted" not in repr(Declared())
