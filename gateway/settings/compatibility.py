# SPDX-License-Identifier: Apache-2.0
"""The compatibility version in force: which Kong's defaults are filled in.

The setting ``compatibility_version`` picks it once, when a process starts. What is filled in is
part of a release: a data plane serves what its control plane filled in, whatever its own setting.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

OLDER, NEWER = VERSIONS = ("3.10", "3.14")
"""What the setting may be; the older is the default."""

_process = OLDER
_within: ContextVar[str | None] = ContextVar("compatibility_version", default=None)


def use_version(version: str) -> None:
    """Fill in this version's defaults in the whole process from now on."""
    global _process
    _process = _checked(version)


@contextmanager
def version_of(version: str) -> Iterator[None]:
    """Fill in this version's defaults within the block, for a process that serves several."""
    token = _within.set(_checked(version))
    try:
        yield
    finally:
        _within.reset(token)


def version_in_force() -> str:
    """Return the version whose defaults are filled in, one of ``VERSIONS``."""
    return _within.get() or _process


def is_newer() -> bool:
    """Tell whether the defaults of Kong 3.14 are in force."""
    return version_in_force() == NEWER


def _checked(version: str) -> str:
    if version not in VERSIONS:
        raise ValueError(f"compatibility version {version!r}: expected {' or '.join(VERSIONS)}")
    return version
