# SPDX-License-Identifier: Apache-2.0
"""The status API of a control plane."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.http.wrong_tokens import WrongTokens
from tests.support.control_plane import running

DRAIN, READY = {"status": "draining"}, {"status": "ready"}


async def test_draining_is_seen_and_can_be_taken_back(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for wish, status in ((DRAIN, 503), (READY, 200)):
            assert (await place.ask("POST", "/status/ready", wish, api="status")).status == 204
            assert (await place.ask("GET", "/status/ready", api="status")).status == status
            body = (await place.ask("GET", "/status", api="status")).body
            assert body["draining"] is (wish is DRAIN)


@pytest.mark.parametrize("body", [{}, {"status": "off"}, {"status": []}, {"status": None}])
async def test_any_other_state_is_refused(tmp_path: Path, body: dict[str, object]) -> None:
    async with running(tmp_path) as place:
        assert (await place.ask("POST", "/status/ready", body, api="status")).status == 400
        assert (await place.ask("GET", "/status/ready", api="status")).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
        {"Kong-Admin-Token": "wrong"},
    ],
)
async def test_pages_and_wrong_tokens_may_not_drain(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    async with running(tmp_path, admin_token="planted") as place:
        reply = await place.ask("POST", "/status/ready", DRAIN, api="status", headers=headers)
        assert reply.status == 403
        assert (await place.ask("GET", "/status/ready", api="status")).status == 200


async def test_many_calls_at_once_cost_the_database_one_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as place:
        store = place.made.store
        asked: list[int] = []
        check = store.check

        def counted() -> None:
            asked.append(1)
            check()

        monkeypatch.setattr(store, "check", counted)
        replies = [place.ask("GET", "/status", api="status") for _ in range(50)]
        assert all(reply.status == 200 for reply in await asyncio.gather(*replies))
        assert len(asked) < 50


async def test_ready_until_asked_to_drain(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        ready = await place.ask("GET", "/status/ready", api="status")
        assert (ready.status, ready.body) == (200, {"message": "ready"})
        status = await place.ask("GET", "/status", api="status")
        assert status.body["database"] == {"reachable": True}
        wrong = {"status": "foo"}
        reply = await place.ask("POST", "/status/ready", wrong, api="status")
        assert reply.status == 400
        drain = {"status": "draining"}
        assert (await place.ask("POST", "/status/ready", drain, api="status")).status == 204
        ready = await place.ask("GET", "/status/ready", api="status")
        assert (ready.status, ready.body) == (503, {"message": "draining"})


async def test_a_database_that_is_gone_makes_it_unready(tmp_path: Path) -> None:
    def overwrite() -> None:
        for file in tmp_path.glob("control-plane.sqlite*"):
            file.write_bytes(b"overwritten by something else" * 1000)

    async with running(tmp_path) as place:
        place.made.store.close()
        overwrite()
        ready = await place.ask("GET", "/status/ready", api="status")
        assert ready.status == 503
        assert ready.body == {"message": "failed to connect to database"}


async def test_wrong_tokens_are_counted_with_those_of_the_admin_api(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[tuple[str, str]] = []

    async def wait(_: WrongTokens, address: str, path: str) -> bool:
        noted.append((address, path))
        return len(noted) < 3

    monkeypatch.setattr(WrongTokens, "wait", wait)
    wrong = {"Kong-Admin-Token": "wrong"}
    async with running(tmp_path, admin_token="planted") as place:
        asked = [("/services", "admin"), *[("/status/ready", "status")] * 2]
        method = {"admin": "GET", "status": "POST"}
        found = [
            (await place.ask(method[api], path, DRAIN, api=api, headers=wrong)).status
            for path, api in asked
        ]
    assert found == [401, 403, 429]
    assert noted == [("127.0.0.1", path) for path, _ in asked]


async def test_a_slash_at_the_end_says_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for path in ("/status/", "/status/ready/", "/metrics/"):
            reply = await place.ask("GET", path, api="status", allow_redirects=False)
            assert reply.status == 200
