# SPDX-License-Identifier: Apache-2.0
"""What an upstream says that a request has used: ``video=2, image=1`` in a header."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

_NUMBER = re.compile(r"[0-9]{1,9}")


def used(values: Iterable[bytes], names: Collection[str]) -> Mapping[str, int]:
    """Return the amounts by name; of repeated headers all count, the last of a name wins.

    What is no limit, and what is not one name and one number of nine digits at most, is ignored, as
    in Kong.
    """
    found: dict[str, int] = {}
    for part in b",".join(values).decode("latin-1").split(","):
        name, equal, number = (word.strip() for word in part.partition("="))
        if equal and name in names and _NUMBER.fullmatch(number):
            found[name] = int(number)
    return found
