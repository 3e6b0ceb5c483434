# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from tools.kubernetes.image import PINNED, Image, on_base
from tools.kubernetes.packages import ROOT


def test_a_stack_names_the_image_by_repository_and_digest() -> None:
    image = Image(Path("x.tar"), "registry.local/kafka-gateway:lab", "sha256:ab")
    assert image.by_digest == "registry.local/kafka-gateway@sha256:ab"


def test_the_lab_builds_the_dockerfile_on_a_base_of_its_own() -> None:
    text = (ROOT / "gateway" / "Dockerfile").read_text()
    changed, base = on_base(text, "registry.local/python-base:1")
    assert base == "registry.local/python-base:1"
    assert "FROM registry.local/python-base:1 AS pinned\n" in changed
    assert "@sha256:" not in changed
    unchanged, pinned = on_base(text, PINNED)
    assert unchanged == text.replace("FROM ${ROOT}\n", "FROM full\n")
    assert f"FROM {pinned} AS pinned\n" in text
    smallest, _ = on_base(text, PINNED, "minimal")
    assert "\nFROM minimal\n" in smallest


def test_a_dockerfile_without_what_is_replaced_is_refused() -> None:
    with pytest.raises(SystemExit, match="gateway/Dockerfile has no line"):
        on_base("FROM python AS pinned\n", "registry.local/python-base:1")
