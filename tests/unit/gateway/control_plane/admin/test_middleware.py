# SPDX-License-Identifier: Apache-2.0
"""Who is let in: tokens, and without one no page of another origin."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.control_plane.admin import failures
from gateway.control_plane.admin.failures import Failures
from tests.support.control_plane import run, running
from tests.support.documents import story

TOKEN = "planted-admin-token"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "evil.example:8001"},
    ],
)
def test_without_a_token_pages_of_other_origins_are_refused(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            assert (await place.publish(story())).status == 201
            assert (await place.publish({})).status == 201
            for method, path in (
                ("POST", "/releases/1/rollback"),
                ("GET", "/"),
                ("GET", "/status"),
                ("DELETE", "/services/a"),
                ("GET", "/no-such-path"),
            ):
                reply = await place.ask(method, path, headers=headers)
                assert reply.status == 403, (method, path)
                assert "KAFKA_GATEWAY_ADMIN_HOSTS" in reply.body["message"]
            preflight = {"Access-Control-Request-Method": "POST", **headers}
            reply = await place.ask("OPTIONS", "/releases/1/rollback", headers=preflight)
            assert reply.status == 403
            assert not [name for name in reply.headers if name.lower().startswith("access-control")]
            assert (await place.ask("GET", "/releases")).body["data"][0]["number"] == 2

    run(main)


def test_without_a_token_programs_and_configured_hosts_are_served(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, admin_hosts="Admin.Example, 10.0.0.5") as place:
            port = place.port("admin")
            for headers in (
                {},
                {"Host": "localhost"},
                {"Host": f"[::1]:{port}"},
                {"Host": "admin.example:8001"},
                {"Host": "10.0.0.5"},
                {"Origin": f"http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"},
                {"Sec-Fetch-Site": "none"},
            ):
                assert (await place.ask("GET", "/services", headers=headers)).status == 200, headers

    run(main)


def test_with_a_token_the_token_decides(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, admin_token=TOKEN) as place:
            headers = {"Host": "gateway.example", "Origin": "http://manager.example"}
            assert (await place.ask("GET", "/services", headers=headers)).status == 401
            headers["Kong-Admin-Token"] = TOKEN
            assert (await place.ask("GET", "/services", headers=headers)).status == 200

    run(main)


def test_wrong_tokens_are_logged_without_the_token(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with running(tmp_path, admin_token=TOKEN) as place:
            for _ in range(3):
                headers = {"Kong-Admin-Token": "planted-wrong"}
                assert (await place.ask("GET", "/services", headers=headers)).status == 401

    run(main)
    told = [record for record in caplog.records if "wrong admin token" in record.getMessage()]
    assert told
    assert "planted" not in caplog.text


def test_wrong_tokens_are_slowed_and_who_has_the_right_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them come from one address: only the guesses wait."""
    monkeypatch.setattr(failures, "_PACE", 5.0)

    async def main() -> None:
        async with running(tmp_path, admin_token=TOKEN) as place:
            wrong = [
                asyncio.create_task(
                    place.ask("GET", "/services", headers={"Kong-Admin-Token": f"guess-{n}"})
                )
                for n in range(40)
            ]
            # The free ones are answered, and those above the queue.
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

    run(main)


def test_failures_of_one_address_do_not_slow_another() -> None:
    async def main() -> None:
        counted = Failures(clock=lambda: 1000.0)
        for _ in range(10):
            assert await counted.wait("192.0.2.1", "/")
        waits = asyncio.create_task(counted.wait("192.0.2.1", "/"))
        assert await counted.wait("192.0.2.2", "/")
        assert await counted.wait("2001:db8::1", "/")
        assert not waits.done()
        waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)

    asyncio.run(main())


def test_an_ipv6_caller_counts_by_its_network_and_addresses_are_bounded() -> None:
    async def main() -> None:
        counted = Failures(clock=lambda: 1000.0)
        for n in range(10):
            assert await counted.wait(f"2001:db8::{n:x}", "/")
        waits = asyncio.create_task(counted.wait("2001:db8::ffff", "/"))
        for n in range(3000):
            assert await counted.wait(f"10.0.{n // 250}.{n % 250}", "/")
        assert not waits.done()
        assert len(counted._callers) == 1024
        waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)

    asyncio.run(main())
