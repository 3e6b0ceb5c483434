# SPDX-License-Identifier: Apache-2.0
"""A real Chromium, driven by Playwright, and axe-core to look at what it shows."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.support.waiting import PATIENCE
from tools.vendored import AXE, WrongDigest, fetch

ROOT = Path(__file__).parents[2]
_AXE = ROOT / ".tools" / "npm" / f"axe-core-{AXE.version}.js"
_SERIOUS = ("serious", "critical")

Scheme = Literal["light", "dark"]

expect.set_options(timeout=1000 * PATIENCE)


def chromium() -> str:
    """Return where the browser is; skip the test where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("NOT TESTED in a browser: chromium is not on PATH")
    return found


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Run the browser."""
    path = chromium()
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        running = await playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield running
        finally:
            await running.close()


@asynccontextmanager
async def window(
    running: Browser, width: int = 1280, height: int = 800, scheme: Scheme = "light"
) -> AsyncIterator[Page]:
    """Open a window of its own: no cookies, and none of what the page says may be an error."""
    context = await running.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme
    )
    page = await context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: errors.append(message.text) if _is_broken_promise(message.text) else None,
    )
    try:
        yield page
        assert errors == []
    finally:
        await context.close()


def _is_broken_promise(text: str) -> bool:
    """Tell whether a line of the console says that the page's own policy was broken."""
    return "Content Security Policy" in text or "Content-Security-Policy" in text


def axe() -> str:
    """Return axe-core; skip the test where it cannot be had."""
    if not _AXE.exists():
        try:
            (content,) = fetch(AXE).values()
        except (OSError, subprocess.SubprocessError, WrongDigest) as error:
            pytest.skip(f"NOT TESTED with axe-core: {error}")
        _AXE.parent.mkdir(parents=True, exist_ok=True)
        _AXE.write_bytes(content)
    return _AXE.read_text("utf-8")


async def hindrances(page: Page) -> list[str]:
    """Return what axe-core finds serious on a page, a sentence each."""
    await page.evaluate(await asyncio.to_thread(axe))
    found: dict[str, Any] = await page.evaluate("() => axe.run()")
    return [
        f"{one['id']}: {one['help']}: {node['html'][:160]}: {node['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in _SERIOUS
        for node in one["nodes"]
    ]
