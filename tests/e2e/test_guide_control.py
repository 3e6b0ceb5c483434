# SPDX-License-Identifier: Apache-2.0
"""The guide docs/guides/control.md, run as it stands: every command, and what it prints."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.checkout import Checkout
from tests.support.guides import fits, steps
from tests.support.ports import free_ports

pytestmark = pytest.mark.e2e

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "control.md"
END = "-- end of a command --"


@pytest.mark.parametrize(
    ("printed", "shown", "same"),
    [
        ("a\nb\nc", "a\n…\nc", True),
        ("a\nc", "a\n…\nc", True),
        ("a\nb", "…\nc", False),
        ("a: 1, c", "a: …, c", True),
        ("a\nb", "a", False),
        ("Retry-After: 7", "Retry-After: 20210", True),
        ("", "", True),
        ("a", "", False),
    ],
)
def test_ellipses_stand_for_what_is_left_out(printed: str, shown: str, *, same: bool) -> None:
    assert fits(printed, shown) is same


def test_the_guide_is_what_happens(checkout: Checkout) -> None:
    (provider,) = free_ports(1)
    ports = {
        "127.0.0.1:8000": f"127.0.0.1:{checkout.ports.proxy}",
        "127.0.0.1:8002": f"127.0.0.1:{checkout.ports.admin_gui}",
        "9400": str(provider),
    }
    for file in (checkout.folder / "examples" / "control").glob("*.yaml"):
        file.write_text(file.read_text().replace("9400", str(provider)))
    page = GUIDE.read_text()
    for shown, own in ports.items():
        page = page.replace(shown, own)
    found = list(steps(page))
    assert len(found) > 30
    try:
        printed = run(checkout, [step.command for step in found])
        for step, text in zip(found, printed, strict=True):
            assert fits(text, step.printed), f"$ {step.command}\n{text}"
        # Previews and progress show references only.
        assert not [text for text in printed if "shop-key" in text]
    except BaseException:
        # The guide itself ends where it began.
        checkout.write_settings()
        checkout.up()
        raise


def run(checkout: Checkout, commands: list[str]) -> list[str]:
    """Run the commands in one shell; return what each printed."""
    lines = (f"{command}\necho; echo '{END}'\n" for command in commands)
    (checkout.folder / "guide.sh").write_text("".join(lines))
    shell = subprocess.Popen(
        ["bash", "guide.sh"],
        cwd=checkout.folder,
        env=checkout.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = shell.communicate(timeout=500)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)
    return [text.strip().replace("\r", "") for text in printed.split(f"{END}\n")[:-1]]
