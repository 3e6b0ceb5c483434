# SPDX-License-Identifier: Apache-2.0
"""`make preview STACK=... STUBS=1`, as somebody without an account types it."""

from __future__ import annotations

import os
import subprocess

import pytest

from tools.stubs.install import ROOT

pytestmark = pytest.mark.engine


def stub_preview(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "tools" / "stub_preview"), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ, timeout=500
    )


def test_it_shows_the_plan_and_what_was_made_up_for_it() -> None:
    shown = stub_preview("konnect", "--suppress-outputs")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "no cloud has seen this" in shown.stderr
    assert "made up, as the stack file leaves it open: konnectToken" in shown.stderr
    assert "gateway:konnect:ControlPlane control-plane create" in shown.stdout
    assert "to create" in shown.stdout


@pytest.mark.parametrize("stack", ["prd", "local"])
def test_a_stack_that_is_not_there_is_told_with_those_that_are(stack: str) -> None:
    shown = stub_preview(stack)
    assert shown.returncode == 2
    said = f"no stack '{stack}' to preview on stubs; allowed: dev, konnect, prod, staging\n"
    assert shown.stderr == said
