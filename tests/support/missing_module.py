# SPDX-License-Identifier: Apache-2.0
"""A package that is not installed, as where nobody asked for its extra."""

from __future__ import annotations

import builtins
from typing import Any

import pytest


def take_away(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Have ``import missing`` fail for the rest of a test, whether it was imported or not."""
    real = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name == missing:
            raise ModuleNotFoundError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
