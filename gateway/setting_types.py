# SPDX-License-Identifier: Apache-2.0
"""The forms a setting's text may have: switches, lists, sizes, times, addresses, labels."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from gateway.listen import ListenAddress, parse_listen

_ON = frozenset({"on", "true", "yes", "1"})
_OFF = frozenset({"off", "false", "no", "0", ""})
_SIZE = re.compile(r"(\d+)\s*([kmg]?)b?", re.IGNORECASE)
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|)")
_FACTORS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_UNITS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_RESERVED_LABELS = ("kong", "konnect", "insomnia", "mesh", "kic")


def _switch(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    word = value.strip().lower()
    if word not in _ON | _OFF:
        raise ValueError("expected on or off")
    return word in _ON


def _items(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(item.strip() for item in value.split(",") if item.strip())


def _size(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    found = _SIZE.fullmatch(value.strip())
    if found is None:
        raise ValueError("expected bytes, or a number with k, m or g, like 512k or 1m")
    return int(found[1]) * _FACTORS[found[2].lower()]


def _seconds(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    found = _TIME.fullmatch(value.strip().lower())
    if found is None:
        raise ValueError("expected seconds, or a number with ms, s, m or h, like 500ms or 60s")
    return float(found[1]) * _UNITS[found[2]]


def _listen(value: Any) -> Any:
    return parse_listen(value) if isinstance(value, str) else value


def _networks(value: Any) -> Any:
    found = _items(value)
    for item in found:
        if item != "unix:":
            try:
                ip_network(item, strict=False)
            except ValueError:
                raise ValueError(
                    f'"{item}" is not an address or a network like 10.0.0.0/8'
                ) from None
    return found


def _workers(value: Any) -> Any:
    if value == "auto":
        return 0
    if isinstance(value, str) and not value.strip().isdigit():
        raise ValueError("expected auto or a number from 1 to 256")
    return value


def _labels(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    found = {}
    for item in _items(value):
        key, colon, text = item.partition(":")
        if not colon or not _LABEL.fullmatch(key) or not _LABEL.fullmatch(text):
            raise ValueError(f'"{item}" is not key:value, each of up to 63 letters, digits, . _ -')
        if key.lower().startswith(_RESERVED_LABELS):
            raise ValueError(f'"{key}" must not start with {", ".join(_RESERVED_LABELS)}')
        found[key] = text
    if len(found) > 10:
        raise ValueError("at most 10 labels")
    return found


def _absent(value: Any) -> Any:
    return None if value == "" else value


def _word(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


Switch = Annotated[bool, BeforeValidator(_switch)]
"""``on`` or ``off``, ``true`` or ``false``."""
Items = Annotated[tuple[str, ...], BeforeValidator(_items)]
"""Comma-separated."""
Size = Annotated[int, BeforeValidator(_size), Field(ge=0)]
"""Bytes; ``1m`` is 1 048 576."""
Seconds = Annotated[float, BeforeValidator(_seconds), Field(ge=0)]
Listen = Annotated[tuple[ListenAddress, ...], BeforeValidator(_listen)]
Networks = Annotated[tuple[str, ...], BeforeValidator(_networks)]
Workers = Annotated[int, BeforeValidator(_workers), Field(ge=0, le=256)]
"""0 stands for ``auto``."""
Labels = Annotated[dict[str, str], BeforeValidator(_labels)]
Text = Annotated[str | None, BeforeValidator(_absent)]
"""Empty is absent."""
Word = BeforeValidator(_word)
"""In front of a ``Literal``: case does not matter."""
