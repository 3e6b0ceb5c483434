# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.http import wrong_tokens
from gateway.http.wrong_tokens import WrongTokens
from tests.support.control_plane import running

TOKEN = "planted-admin-token"


async def test_wrong_tokens_are_slowed_and_callers_with_the_right_one_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them come from one address: only the guesses wait."""
    monkeypatch.setattr(wrong_tokens, "_PACE", 5.0)

    async with running(tmp_path, admin_token=TOKEN) as place:
        wrong = [
            asyncio.create_task(
                place.ask("GET", "/services", headers={"Kong-Admin-Token": f"guess-{n}"})
            )
            for n in range(40)
        ]
        # The free ones have their responses, and those above the queue.
        while sum(task.done() for task in wrong) < 24:
            await asyncio.wait(
                [task for task in wrong if not task.done()],
                return_when=asyncio.FIRST_COMPLETED,
            )
        for _ in range(20):
            headers = {"Kong-Admin-Token": TOKEN}
            assert (await place.ask("GET", "/services", headers=headers)).status == 200
        assert sum(not task.done() for task in wrong) == 16
        answered = [task.result().status for task in wrong if task.done()]
        assert (answered.count(401), answered.count(429)) == (10, 14)
        for task in wrong:
            task.cancel()
        await asyncio.gather(*wrong, return_exceptions=True)


async def test_failures_of_one_address_do_not_slow_another() -> None:
    counted = WrongTokens(clock=lambda: 1000.0)
    for _ in range(10):
        assert await counted.wait("192.0.2.1", "/")
    waits = asyncio.create_task(counted.wait("192.0.2.1", "/"))
    assert await counted.wait("192.0.2.2", "/")
    assert await counted.wait("2001:db8::1", "/")
    assert not waits.done()
    waits.cancel()
    await asyncio.gather(waits, return_exceptions=True)


async def test_an_ipv6_caller_counts_by_its_network_and_addresses_are_bounded() -> None:
    counted = WrongTokens(clock=lambda: 1000.0)
    for n in range(10):
        assert await counted.wait(f"2001:db8::{n:x}", "/")
    waits = asyncio.create_task(counted.wait("2001:db8::ffff", "/"))
    for n in range(3000):
        assert await counted.wait(f"10.0.{n // 250}.{n % 250}", "/")
    assert not waits.done()
    assert len(counted._callers) == 1024
    waits.cancel()
    await asyncio.gather(waits, return_exceptions=True)
