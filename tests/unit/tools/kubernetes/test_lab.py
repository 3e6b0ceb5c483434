# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest

from tools.kubernetes.lab import reason_against


def test_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "root" in reason_against()


def test_without_the_binaries_the_reason_says_what_fetches_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("tools.kubernetes.binaries.missing", lambda: ["kubelet"])
    assert "make test-kubernetes" in reason_against()
    assert "kubelet" in reason_against()
